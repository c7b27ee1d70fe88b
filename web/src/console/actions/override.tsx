import { Checkbox, NativeSelect, NumberInput } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as shared } from '../../text/shared.ts'
import { capital, count, words } from '../../ui/words.ts'
import { ActionDialog } from './action-dialog.tsx'
import { hasCredit } from './grant.tsx'

const { override: text } = actions
type Entitlement = Schemas['Entitlement']
type Values = { feature: string; limit: number | string; unlimited: boolean; enabled: boolean }

export function Override({ business, onClose }: { business: Schemas['StaffBusinessPage']; onClose: () => void }) {
  const { id, entitlements, overrides } = business
  const features = Object.keys(entitlements)
  const startOf = (feature: string): Values => {
    const entitlement = entitlements[feature]
    // With granted units on top a limit is more than was overridden: sent as it stands, they would count twice.
    const overridden = overrides.find((each) => each.feature === feature)?.limit
    return {
      feature,
      limit: typeof overridden === 'number' ? overridden : (entitlement?.limit ?? entitlement?.value ?? 0),
      unlimited: isCounted(entitlement) && entitlement?.limit === null,
      enabled: entitlement?.enabled ?? false,
    }
  }
  return (
    <ActionDialog<Values>
      businessId={id}
      title={text.title}
      submit={text.submit}
      initial={startOf(features[0] ?? '')}
      fields={(form) => {
        const { feature, unlimited } = form.values
        const entitlement = entitlements[feature]
        return (
          <>
            <NativeSelect
              label={text.feature}
              data-autofocus
              data={features.map((value) => ({ value, label: capital(words(value)) }))}
              value={feature}
              onChange={({ currentTarget: { value } }) => form.setValues(startOf(value))}
            />
            {entitlement?.kind === 'switch' ? (
              <Checkbox label={text.on} {...form.getInputProps('enabled', { type: 'checkbox' })} />
            ) : (
              <NumberInput
                label={isCounted(entitlement) ? text.limit : text.value}
                min={0}
                disabled={unlimited}
                thousandSeparator
                {...form.getInputProps('limit')}
              />
            )}
            {isCounted(entitlement) && (
              <Checkbox label={text.unlimited} {...form.getInputProps('unlimited', { type: 'checkbox' })} />
            )}
          </>
        )
      }}
      changes={(values) => {
        const entitlement = entitlements[values.feature]
        if (!entitlement) return []
        const before =
          entitlement.kind === 'switch'
            ? (entitlement.enabled ?? false)
            : entitlement.kind === 'value'
              ? (entitlement.value ?? null)
              : entitlement.limit
        const after = shown(valueOf(entitlement, values))
        const label = capital(words(values.feature))
        // What the limit is without the credit cannot be told from here.
        if (hasCredit(business, values.feature)) return [{ label, after: text.withCredit(after) }]
        return [{ label, before: shown(before), after }]
      }}
      send={(values) =>
        answer(
          api.PUT('/v1/staff/businesses/{id}/limits/{feature}', {
            params: { path: { id, feature: values.feature } },
            body: { limit: valueOf(entitlements[values.feature], values), reason: values.reason },
          }),
        )
      }
      said={() => text.done}
      onClose={onClose}
    />
  )
}

const isCounted = (entitlement: Entitlement | undefined) =>
  entitlement?.kind === 'metered' || entitlement?.kind === 'allocated'

function valueOf(entitlement: Entitlement | undefined, { limit, unlimited, enabled }: Values) {
  if (entitlement?.kind === 'switch') return enabled
  return unlimited ? null : Number(limit)
}

/** What stands in a plan or an override. */
export const shown = (value: number | boolean | null): string =>
  value === null ? shared.unlimited : typeof value === 'number' ? count(value) : value ? text.on : text.off
