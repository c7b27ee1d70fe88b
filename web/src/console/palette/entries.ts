import type { LinkOptions } from '@tanstack/react-router'
import type { Schemas } from '../../api.ts'
import { places } from '../places.ts'
import { text as explain } from '../../text/explain.ts'

/** Something to go to: what it is called, what tells it from others, and where it is. */
export type Entry = { id: string; name: string; about: string | undefined; to: LinkOptions }

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
    .map(({ name, to }) => ({ id: `screen-${name}`, name, about: undefined, to: { to } }))

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
