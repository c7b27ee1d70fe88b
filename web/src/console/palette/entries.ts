import type { LinkOptions } from '@tanstack/react-router'
import type { Schemas } from '../../api.ts'
import { text as plans } from '../../text/console-plans.ts'
import { text } from '../../text/console.ts'
import { text as explain } from '../../text/explain.ts'

/** Something to go to: what it is called, what tells it from others, and where it is. */
export type Entry = { id: string; name: string; about: string | undefined; to: LinkOptions }

const { screens } = text
const places: { name: string; to: LinkOptions }[] = [
  { name: screens.queue, to: { to: '/' } },
  { name: text.businesses.title, to: { to: '/businesses' } },
  { name: screens.subscriptions, to: { to: '/subscriptions' } },
  { name: plans.title, to: { to: '/plans' } },
  { name: screens.metrics, to: { to: '/metrics' } },
  { name: screens.support, to: { to: '/support-sessions' } },
  { name: screens.audit, to: { to: '/audit' } },
  { name: screens.jobs, to: { to: '/jobs' } },
  { name: screens.mail, to: { to: '/mail' } },
  { name: explain.title, to: { to: '/explain' } },
]

/** Screens whose name has what was typed at the beginning of a word. */
export const screensNamed = (typed: string): Entry[] =>
  places
    .filter(
      ({ name }) =>
        name
          .toLowerCase()
          .split(' ')
          .some((word) => word.startsWith(typed)) || name.toLowerCase().startsWith(typed),
    )
    .map(({ name, to }) => ({ id: `screen-${name}`, name, about: undefined, to }))

/** The id of a request, pasted: why it was refused. */
export const requestEntries = (typed: string): Entry[] =>
  /^req_\w+$/.test(typed)
    ? [{ id: typed, name: explain.why(typed), about: undefined, to: { to: '/explain', search: { id: typed } } }]
    : []

export const businessEntry = ({ id, name, owner }: Schemas['StaffBusiness']): Entry => ({
  id,
  name,
  about: owner?.email,
  to: { to: '/businesses/$businessId', params: { businessId: id } },
})

export const personEntry = ({ id, name, email, memberships }: Schemas['FoundUser']): Entry => ({
  id,
  name,
  about: [email, ...memberships.slice(0, 2).map(({ business }) => business.name)].join(' · '),
  to: { to: '/people/$userId', params: { userId: id } },
})
