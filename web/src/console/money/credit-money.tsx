import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { money } from '../../ui/words.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'
import type { Change } from '../actions/preview.tsx'
import { balancesQuery, businessQuery } from '../data.ts'
import { minorOf, MoneyInput } from './money-input.tsx'

const { credit: text } = ledger

export type Direction = 'give' | 'take'
export type Balance = { currency: string; balance: number }
type Values = { amount: number | string; currency: string }

/** Money that the business may spend on its invoices; what was given and not spent can be taken back. */
export function CreditMoney(props: { businessId: string; direction: Direction; onClose: () => void }) {
  const { businessId, direction, onClose } = props
  const balances = useQuery(balancesQuery(businessId)).data ?? []
  const price = useQuery(businessQuery(businessId)).data?.subscription?.price
  const words = text[direction]
  return (
    <ActionDialog<Values>
      businessId={businessId}
      title={words.title}
      submit={words.submit}
      danger={direction === 'take'}
      initial={{ amount: '', currency: balances[0]?.currency ?? price?.currency ?? 'USD' }}
      fields={(form) => (
        <>
          <TextInput label={text.currency} maxLength={3} {...form.getInputProps('currency')} />
          <MoneyInput
            currency={form.values.currency}
            label={text.amount(form.values.currency)}
            data-autofocus
            {...form.getInputProps('amount')}
          />
        </>
      )}
      changes={(values) => changesOf(values, direction, balances)}
      send={({ amount, currency, reason }, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/credits', {
            params: { path: { id: businessId } },
            body: { amount: signed(minorOf(amount, currency), direction), currency, reason },
            headers,
          }),
        )
      }
      said={({ amount, currency }) => words.done(money(minorOf(amount, currency), currency))}
      onClose={onClose}
    />
  )
}

const signed = (amount: number, direction: Direction) => (direction === 'give' ? amount : -amount)

function changesOf({ amount, currency }: Values, direction: Direction, balances: Balance[]): Change[] {
  if (!/^[A-Z]{3}$/.test(currency)) return []
  const before = balances.find((each) => each.currency === currency)?.balance ?? 0
  const after = before + signed(minorOf(amount, currency), direction)
  return [
    { label: text.inHand, before: money(before, currency), after: money(Math.max(0, after), currency) },
    ...(direction === 'give' ? [{ label: text.settles, after: text.settled }] : []),
  ]
}
