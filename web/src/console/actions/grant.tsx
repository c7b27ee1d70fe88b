import { NativeSelect, NumberInput } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as shared } from '../../text/shared.ts'
import { now } from '../../ui/page.ts'
import { Day } from '../../ui/time.tsx'
import { capital, count, words } from '../../ui/words.ts'
import { ActionDialog } from './action-dialog.tsx'

const { grant: text } = actions
type Values = { feature: string; amount: number | string; days: number | string }

export const meteredFeatures = ({ entitlements }: Pick<Schemas['StaffBusinessPage'], 'entitlements'>) =>
  Object.keys(entitlements).filter((name) => entitlements[name]?.kind === 'metered')

/** Whether a limit is above what the plan or an override says, because of credit. */
export const hasCredit = ({ grants }: Pick<Schemas['StaffBusinessPage'], 'grants'>, feature: string) =>
  grants.some(
    (grant) => grant.feature === feature && (grant.expiresAt === null || Date.parse(grant.expiresAt) > now().getTime()),
  )

export function Grant({ business, onClose }: { business: Schemas['StaffBusinessPage']; onClose: () => void }) {
  const { id, entitlements } = business
  const features = meteredFeatures(business)
  const expiresAt = (days: number | string) =>
    typeof days === 'number' ? new Date(now().getTime() + days * 86_400_000).toISOString() : undefined
  return (
    <ActionDialog<Values>
      businessId={id}
      title={text.title}
      submit={text.submit}
      initial={{ feature: features[0] ?? '', amount: 100, days: '' }}
      fields={(form) => (
        <>
          <NativeSelect
            label={text.feature}
            data={features.map((value) => ({ value, label: capital(words(value)) }))}
            {...form.getInputProps('feature')}
          />
          <NumberInput
            label={text.amount}
            min={1}
            max={1_000_000_000}
            allowDecimal={false}
            thousandSeparator
            data-autofocus
            {...form.getInputProps('amount')}
          />
          <NumberInput
            label={text.days}
            description={text.daysHint}
            min={1}
            max={3660}
            allowDecimal={false}
            {...form.getInputProps('days')}
          />
        </>
      )}
      changes={({ feature, amount, days }) => {
        const remaining = entitlements[feature]?.remaining ?? null
        const at = expiresAt(days)
        return [
          {
            label: text.remaining,
            before: remaining === null ? shared.unlimited : count(remaining),
            after: remaining === null ? shared.unlimited : count(remaining + Number(amount)),
          },
          { label: text.expires, after: at === undefined ? shared.never : <Day at={at} /> },
        ]
      }}
      send={({ feature, amount, days, reason }, headers) => {
        const at = expiresAt(days)
        return answer(
          api.POST('/v1/staff/businesses/{id}/grants', {
            params: { path: { id } },
            body: { feature, amount: Number(amount), reason, ...(at === undefined ? {} : { expiresAt: at }) },
            headers,
          }),
        )
      }}
      said={({ amount }) => text.done(count(Number(amount)))}
      onClose={onClose}
    />
  )
}
