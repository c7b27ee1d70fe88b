import { NumberInput } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { Day } from '../../ui/time.tsx'
import { ActionDialog } from './action-dialog.tsx'

const { extend: text } = actions
const dayMilliseconds = 86_400_000

export function Extend(props: { businessId: string; subscription: Schemas['Subscription']; onClose: () => void }) {
  const { businessId, subscription, onClose } = props
  const { cycleEnd, status } = subscription
  return (
    <ActionDialog<{ days: number | string }>
      businessId={businessId}
      title={text.title}
      submit={text.submit}
      initial={{ days: 7 }}
      fields={(form) => (
        <NumberInput
          label={text.days}
          min={1}
          max={3660}
          allowDecimal={false}
          data-autofocus
          {...form.getInputProps('days')}
        />
      )}
      changes={({ days }) =>
        typeof days === 'number' && days >= 1 && days <= 3660
          ? [
              {
                label: status === 'trialing' ? text.trialEnd : text.cycleEnd,
                before: <Day at={cycleEnd} />,
                after: <Day at={new Date(Date.parse(cycleEnd) + days * dayMilliseconds).toISOString()} />,
              },
            ]
          : []
      }
      send={({ days, reason }, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/extension', {
            params: { path: { id: businessId } },
            body: { days: Number(days), reason },
            headers,
          }),
        )
      }
      said={({ days }) => text.done(actions.days(Number(days)))}
      onClose={onClose}
    />
  )
}
