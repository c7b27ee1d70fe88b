import type { QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useRouter, type AnyRouter } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api.ts'
import { page } from '../ui/page.ts'
import { keptNext } from './kept-next.ts'
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
  keptNext.keep(undefined)
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
  const enter = useEnter()
  const navigate = useNavigate()
  return ({ challenge, memberships = [] }: Schemas['SignedIn'], wanted: string | undefined) => {
    if (challenge === undefined)
      return enter(wanted, memberships.length === 1 ? memberships[0]?.business.id : undefined)
    session.challenge = challenge
    return navigate({ to: '/sign-in/2fa', search: { next: safeNext(wanted, location.origin) } })
  }
}

/** In: to what was asked for, or else to the one business there is, or to all of them. */
export function useEnter() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const router = useRouter()
  return (wanted: string | undefined, businessId: string | undefined) => {
    beginSession(queryClient)
    const next = safeNext(wanted, location.origin)
    // What is not the portal's is another application's, and the server's to find.
    if (next !== undefined) return isOfPortal(router, next) ? router.history.push(next) : location.assign(next)
    if (businessId === undefined) return navigate({ to: '/businesses' })
    return navigate({ to: '/b/$businessId', params: { businessId } })
  }
}

/** Whether one of its screens is there: at the root the portal is beside whatever else the host serves. */
function isOfPortal({ getMatchedRoutes }: AnyRouter, next: string): boolean {
  const { pathname } = new URL(next, location.origin)
  const rest = pathname.startsWith(page.basePath) ? pathname.slice(page.basePath.length) : undefined
  if (rest === undefined || !/^(\/|$)/.test(rest)) return false
  const [, { '**': unknown }, route] = getMatchedRoutes(rest)
  return route !== undefined && unknown === undefined
}
