import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import type { Column } from '../../ui/table.tsx'
import { Day, When } from '../../ui/time.tsx'
import { money } from '../../ui/words.ts'
import { priceText } from '../business/subscription-facts.tsx'
import { Status } from '../businesses/status.tsx'
import { BusinessLink } from '../list/business-link.tsx'

const { subscriptions: text } = lists
type Row = Schemas['StaffSubscription']

export const subscriptionColumns: Column<Row>[] = [
  { label: lists.business, cell: ({ business }) => <BusinessLink of={business} tab="subscription" /> },
  {
    label: lists.state,
    cell: ({ business, status, cancelAtCycleEnd }) => (
      <Status of={{ status: business.status, subscription: { status, cancelAtCycleEnd } }} />
    ),
  },
  { label: text.plan, cell: ({ plan }) => plan.name },
  { label: text.price, cell: ({ price }) => priceText(price) },
  {
    label: text.overdue,
    align: 'right',
    cell: ({ overdue, overdueSince, price }) =>
      overdue === 0 ? (
        shared.none
      ) : (
        <>
          {money(overdue, price.currency)}
          {overdueSince !== null && (
            <>
              , <When at={overdueSince} />
            </>
          )}
        </>
      ),
  },
  {
    label: text.grace,
    align: 'right',
    cell: ({ graceEnd }) => (graceEnd === null ? shared.none : <Day at={graceEnd} />),
  },
  { label: text.cycleEnd, align: 'right', cell: ({ cycleEnd }) => <Day at={cycleEnd} /> },
]
