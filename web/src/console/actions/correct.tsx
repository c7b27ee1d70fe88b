import { NativeSelect, NumberInput } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { capital, count, words } from '../../ui/words.ts'
import { ActionDialog } from './action-dialog.tsx'
import { meteredFeatures } from './grant.tsx'

const { correct: text } = actions
/** `amount` is what was really used; what the API calls so, and refuses, is the difference to what is counted. */
type Values = { feature: string; amount: number | string }

/** Sets right what was counted in the current period. Staff say what is true; what is sent is the difference to it. */
export function Correct({ business, onClose }: { business: Schemas['StaffBusinessPage']; onClose: () => void }) {
  const { id, entitlements } = business
  const features = meteredFeatures(business)
  const usedOf = (feature: string) => entitlements[feature]?.used ?? 0
  const first = features[0] ?? ''
  return (
    <ActionDialog<Values>
      businessId={id}
      title={text.title}
      submit={text.submit}
      initial={{ feature: first, amount: usedOf(first) }}
      fields={(form) => (
        <>
          <NativeSelect
            label={text.feature}
            data={features.map((value) => ({ value, label: capital(words(value)) }))}
            value={form.values.feature}
            onChange={({ currentTarget: { value } }) => form.setValues({ feature: value, amount: usedOf(value) })}
          />
          <NumberInput
            label={text.used}
            description={text.hint}
            min={0}
            max={1_000_000_000}
            allowDecimal={false}
            thousandSeparator
            data-autofocus
            {...form.getInputProps('amount')}
          />
        </>
      )}
      changes={({ feature, amount }) => [
        {
          label: capital(words(feature)),
          before: count(usedOf(feature)),
          after: count(Number(amount)),
        },
        { label: text.difference, after: signed(Number(amount) - usedOf(feature)) },
      ]}
      send={({ feature, amount, reason }, headers) =>
        answer(
          api.POST('/v1/staff/businesses/{id}/usage-corrections', {
            params: { path: { id } },
            body: { feature, amount: Number(amount) - usedOf(feature), reason },
            headers,
          }),
        )
      }
      said={() => text.done}
      onClose={onClose}
    />
  )
}

const signed = (difference: number) => (difference > 0 ? `+${count(difference)}` : count(difference))
