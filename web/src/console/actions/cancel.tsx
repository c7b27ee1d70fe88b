import { NativeSelect } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { Day } from '../../ui/time.tsx'
import { ActionDialog } from './action-dialog.tsx'

const { cancel: text } = actions
type Values = { when: 'now' | 'cycleEnd'; credit: 'none' | 'rest' }

export function Cancel(props: { businessId: string; subscription: Schemas['Subscription']; onClose: () => void }) {
  const { businessId, subscription, onClose } = props
  return (
    <ActionDialog<Values>
      businessId={businessId}
      title={text.title}
      submit={text.submit}
      danger
      initial={{ when: 'cycleEnd', credit: 'none' }}
      fields={(form) => (
        <>
          <NativeSelect
            label={actions.when}
            data-autofocus
            data={Object.entries(actions.whens).map(([value, label]) => ({ value, label }))}
            {...form.getInputProps('when')}
          />
          {form.values.when === 'now' && (
            <NativeSelect
              label={text.credit}
              data={Object.entries(text.credits).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps('credit')}
            />
          )}
        </>
      )}
      changes={({ when }) => [
        {
          label: text.subscription,
          before: subscription.plan.name,
          after: (
            <>
              {text.ends} {when === 'now' ? actions.whens.now.toLowerCase() : <Day at={subscription.cycleEnd} />}
            </>
          ),
        },
      ]}
      send={(body, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/cancellation', { params: { path: { id: businessId } }, body, headers }),
        )
      }
      said={() => text.done}
      onClose={onClose}
    />
  )
}
