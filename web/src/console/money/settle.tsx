import { answer, api, type Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { money } from '../../ui/words.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'
import type { Change } from '../actions/preview.tsx'
import type { Doing } from './invoice-status.tsx'

const { settle: text, invoices } = ledger
type Invoice = Schemas['Invoice']
type How = Exclude<Doing, 'pay'>

const becomes = { release: 'open', waive: 'void', void: 'void', uncollectible: 'uncollectible' } as const

/** What becomes of an invoice other than being paid. */
export function Settle(props: { businessId: string; invoice: Invoice; how: How; onClose: () => void }) {
  const { businessId, invoice, how, onClose } = props
  const { id: invoiceId, number } = invoice
  const words = text[how]
  return (
    <ActionDialog
      businessId={businessId}
      title={words.title(number ?? '')}
      submit={words.submit}
      danger={how !== 'release'}
      initial={{}}
      changes={() => changesOf(invoice, how)}
      send={({ reason }) =>
        answer(
          api.PATCH('/v1/staff/businesses/{id}/invoices/{invoiceId}', {
            params: { path: { id: businessId, invoiceId } },
            body: { status: becomes[how], reason },
          }),
        )
      }
      said={() => words.done}
      onClose={onClose}
    />
  )
}

function changesOf({ status, currency, amountDue, creditApplied, amountPaid }: Invoice, how: How): Change[] {
  const due = money(amountDue, currency)
  const back = creditApplied + amountPaid
  return [
    { label: text.status, before: invoices.statuses[status], after: invoices.statuses[becomes[how]] },
    ...(how === 'release' ? [{ label: text.number, after: text.numbered }] : []),
    ...(how === 'uncollectible' ? [{ label: text.expected, after: text.notExpected }] : []),
    ...(how === 'release' || how === 'uncollectible'
      ? [{ label: text.due, after: due }]
      : [{ label: text.due, before: due, after: money(0, currency) }]),
    ...(how === 'void' && back > 0 ? [{ label: text.inHand, after: money(back, currency) }] : []),
  ]
}
