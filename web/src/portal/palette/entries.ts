import type { Schemas } from '../../api.ts'
import { text as account } from '../../text/account.ts'
import { text } from '../../text/business.ts'
import { text as explain } from '../../text/explain.ts'
import { isNamed, isRequestId, type Entry } from '../../ui/palette/entry.ts'
import { accountPlaces, businessPlaces } from '../places.ts'

type Membership = Schemas['Membership']

/**
 * Where one may go by what was typed: where a pasted id leads, the screens of the business one is in, one's businesses,
 * and one's own screens. Nothing of it is asked for: what there is to know is known.
 */
export function entriesFor(typed: string, memberships: Membership[], here: string | undefined): Entry[] {
  const wanted = typed.trim().toLowerCase()
  const current = memberships.find(({ business }) => business.id === here)
  // What one is in comes first; an id does not say whose it is.
  const open = memberships
    .filter(({ suspended }) => !suspended)
    .toSorted((one, other) => Number(other === current) - Number(one === current))
  return [
    ...open.flatMap((membership) => pasted(wanted, membership)),
    ...(current && open.includes(current) ? screens(wanted, current) : []),
    ...memberships.filter((each) => each !== current && isMeant(wanted, each)).map(businessEntry),
    ...[{ to: '/businesses', label: text.switch } as const, ...accountPlaces]
      .filter(({ label }) => isNamed(label, wanted) || isNamed(account.nav, wanted))
      .map(({ to, label }): Entry => ({ id: to, name: label, about: account.navigation, to: { to } })),
  ]
}

const screens = (wanted: string, { business, permissions }: Membership): Entry[] =>
  businessPlaces
    .filter(({ needs, label }) => permissions.includes(needs) && isNamed(label, wanted))
    .map(({ to, label }) => ({
      id: to,
      name: label,
      about: business.name,
      to: { to, params: { businessId: business.id } },
    }))

const isMeant = (wanted: string, { business: { id, name } }: Membership) =>
  name.toLowerCase().includes(wanted) || id === wanted

const businessEntry = ({ business: { id, name }, role }: Membership): Entry => ({
  id,
  name,
  about: role,
  to: { to: '/b/$businessId', params: { businessId: id } },
})

/** A request, why it was refused; an invoice; a person or a key, what they did. */
function pasted(wanted: string, { business, permissions }: Membership): Entry[] {
  const params = { businessId: business.id }
  const entry = (needs: string, name: string, to: Entry['to']): Entry[] =>
    permissions.includes(needs) ? [{ id: `${wanted} ${business.id}`, name, about: business.name, to }] : []
  if (isRequestId(wanted)) {
    return entry('usage:read', explain.why(wanted), { to: '/b/$businessId/explain', params, search: { id: wanted } })
  }
  if (/^ivc_\w+$/.test(wanted)) {
    const to = { to: '/b/$businessId/invoices/$invoiceId', params: { ...params, invoiceId: wanted } } as const
    return entry('subscription:read', text.palette.invoice(wanted), to)
  }
  if (/^(usr|key)_\w+$/.test(wanted)) {
    const to = { to: '/b/$businessId/audit', params, search: { actor: wanted } } as const
    return entry('audit:read', text.palette.doings(wanted), to)
  }
  return []
}
