import { NativeSelect } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { money } from '../../ui/words.ts'
import { ActionDialog } from './action-dialog.tsx'

const { convert: text } = ledger

/** What somebody tries becomes what they have, before the trial ends by itself. */
export function Convert(props: { businessId: string; subscription: Schemas['Subscription']; onClose: () => void }) {
  const { businessId, subscription, onClose } = props
  const { plan, price } = subscription
  return (
    <ActionDialog<{ charge: 'invoice' | 'waive' }>
      businessId={businessId}
      title={text.title}
      submit={text.submit}
      initial={{ charge: 'invoice' }}
      fields={(form) =>
        price.amount > 0 && (
          <NativeSelect
            label={text.charge}
            data-autofocus
            data={Object.entries(text.charges).map(([value, label]) => ({ value, label }))}
            {...form.getInputProps('charge')}
          />
        )
      }
      changes={({ charge }) => [
        { label: text.subscription, before: text.from(plan.name), after: plan.name },
        {
          label: text.owes,
          after: charge === 'invoice' && price.amount > 0 ? money(price.amount, price.currency) : text.nothing,
        },
      ]}
      send={(body, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/conversion', { params: { path: { id: businessId } }, body, headers }),
        )
      }
      said={() => text.done}
      onClose={onClose}
    />
  )
}
