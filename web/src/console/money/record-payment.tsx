import { TextInput } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { money } from '../../ui/words.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'
import { majorOf, minorOf, MoneyInput } from './money-input.tsx'

const { invoices: text } = ledger
type Values = { amount: number | string; reference: string }

/** Money that has come in for an invoice, typed as people write it and sent in minor units. */
export function RecordPayment(props: { businessId: string; invoice: Schemas['Invoice']; onClose: () => void }) {
  const { businessId, invoice, onClose } = props
  const { id: invoiceId, number, currency, amountDue } = invoice
  return (
    <ActionDialog<Values>
      businessId={businessId}
      title={text.payTitle(number ?? '')}
      submit={text.submit}
      reasonless
      initial={{ amount: majorOf(amountDue, currency), reference: '' }}
      fields={(form) => (
        <>
          <MoneyInput currency={currency} label={text.amount(currency)} {...form.getInputProps('amount')} />
          <TextInput
            label={text.reference}
            description={text.referenceHint}
            data-autofocus
            {...form.getInputProps('reference')}
          />
        </>
      )}
      changes={({ amount }) => [
        {
          label: text.left,
          before: money(amountDue, currency),
          after: money(Math.max(0, amountDue - minorOf(amount, currency)), currency),
        },
      ]}
      send={({ amount, reference }, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/invoices/{invoiceId}/payments', {
            params: { path: { id: businessId, invoiceId } },
            body: { amount: minorOf(amount, currency), reference },
            headers,
          }),
        )
      }
      said={() => text.paid}
      onClose={onClose}
    />
  )
}
