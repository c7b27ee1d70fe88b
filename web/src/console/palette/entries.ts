import type { Schemas } from '../../api.ts'
import { text as explain } from '../../text/explain.ts'
import { isNamed, isRequestId, type Entry } from '../../ui/palette/entry.ts'
import { places } from '../places.ts'

export const screensNamed = (typed: string): Entry[] =>
  places.filter(({ name }) => isNamed(name, typed)).map(({ name, to }) => ({ id: to, name, to: { to } }))

/** The id of a request, pasted: why it was refused. */
export const requestEntries = (typed: string): Entry[] =>
  isRequestId(typed) ? [{ id: typed, name: explain.why(typed), to: { to: '/explain', search: { id: typed } } }] : []

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
