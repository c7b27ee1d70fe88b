import type { QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useRouter } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api.ts'
import { page } from '../ui/page.ts'
import { safeNext } from './next.ts'

/** Whether somebody is signed in, as far as this page knows: the server said so when it made it, and what happened since. */
export const session: {
  signedIn: boolean
  challenge: string | undefined
  pending: PendingIdentity | undefined
} = {
  signedIn: page.signedIn,
  /** Of a sign-in that waits for its second factor. Never in an address, and gone with the page. */
  challenge: undefined,
  /** Somebody new, introduced by a provider. In no address either. */
  pending: undefined,
}

export type PendingIdentity = NonNullable<Schemas['SocialSignIn']['identity']> & { token: string }

/** What was asked for as somebody else is no answer for this one. */
export function beginSession(queryClient: QueryClient): void {
  queryClient.clear()
  session.signedIn = true
  session.challenge = undefined
  session.pending = undefined
}

export function endSession(queryClient: QueryClient): void {
  queryClient.clear()
  session.signedIn = false
}

/** Signs out without leaving the page, for whoever goes on as somebody else. */
export async function switchUser(queryClient: QueryClient): Promise<void> {
  await answer(api.POST('/v1/logout'))
  endSession(queryClient)
}

/** Whatever the server says: the next page asks who one is. A fresh page, so that nothing of this one is left. */
export async function signOut(): Promise<void> {
  await answer(api.POST('/v1/logout')).catch(() => {})
  location.assign(`${page.basePath}/sign-in`)
}

/** Goes on after a sign-in, wherever it was going: to its second factor, back to what was asked for, or in. */
export function useWelcome(wanted: string | undefined) {
  const welcomeTo = useWelcomeTo()
  return (signedIn: Schemas['SignedIn']) => welcomeTo(signedIn, wanted)
}

/** The same where the answer itself says what was asked for. */
export function useWelcomeTo() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { history } = useRouter()
  return async ({ challenge, memberships = [] }: Schemas['SignedIn'], wanted: string | undefined) => {
    const next = safeNext(wanted, location.origin)
    if (challenge !== undefined) {
      session.challenge = challenge
      return navigate({ to: '/sign-in/2fa', search: next === undefined ? {} : { next } })
    }
    beginSession(queryClient)
    // The console is another application.
    if (next !== undefined) return isOfConsole(next) ? location.assign(next) : history.push(next)
    const [only, ...others] = memberships
    if (only && others.length === 0) {
      return navigate({ to: '/b/$businessId', params: { businessId: only.business.id } })
    }
    return navigate({ to: '/businesses' })
  }
}

const isOfConsole = (path: string) =>
  path.startsWith(page.basePath) && /^\/console(?![\w-])/.test(path.slice(page.basePath.length))
