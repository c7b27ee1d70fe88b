import { Refusal } from '../../api.ts'
import { text } from '../../text/join.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { Screen } from '../../ui/screen.tsx'
import { session } from '../session.ts'

/** An invitation as its link shows it, and how it can end. */

export type Invited = {
  email: string
  role: string
  business: { name: string }
  invitedBy: { name: string | null }
  accountExists: boolean
}
export type Place = { token: string; invited: Invited }

export const heading = ({ business, invitedBy, role }: Invited) => ({
  title: text.title(business.name),
  about: text.about(invitedBy.name, role),
})

/** How an invitation can end, and what is said then. */
export const endings = new Map<string, { title: string; about: string }>([
  ['invitation_expired', text.expired],
  ['invitation_accepted', text.accepted],
  ['already_member', text.already],
  ['limit_reached', text.full],
  ['invitation_revoked', text.invalid],
  ['invalid_token', text.invalid],
  ['invalid_request', text.invalid],
  ['business_not_open', text.invalid],
])

export function Ended({ refusal }: { refusal: Refusal }) {
  const { title, about } = endings.get(refusal.code) ?? text.invalid
  const isIn = refusal.code === 'already_member' || refusal.code === 'invitation_accepted'
  const said = refusal.code === 'invitation_accepted' && session.signedIn ? text.already.about : about
  return (
    <Screen key={title} title={title} about={said}>
      {isIn && <ButtonLink to={session.signedIn ? '/businesses' : '/sign-in'}>{text.toBusinesses}</ButtonLink>}
    </Screen>
  )
}

/** What ends the invitation is a screen of its own; everything else is said in the form. */
export const unless = (setEnded: (refusal: Refusal) => void) => (error: unknown) => {
  if (!(error instanceof Refusal) || !endings.has(error.code) || error.code === 'invalid_request') throw error
  setEnded(error)
  return undefined
}
