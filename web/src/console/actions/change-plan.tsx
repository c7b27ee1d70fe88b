import { NativeSelect, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as shared } from '../../text/shared.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Day } from '../../ui/time.tsx'
import { capital, count, words } from '../../ui/words.ts'
import { priceText } from '../business/subscription-facts.tsx'
import { plansQuery } from '../data.ts'
import { limitIn } from '../plans/plan-text.ts'
import { ActionDialog } from './action-dialog.tsx'
import { hasCredit } from './grant.tsx'
import type { Change } from './preview.tsx'

const { plan: text } = actions
type Business = Schemas['StaffBusinessPage']
type Plan = Schemas['StaffPlan']
type Values = { plan: string; price: string; when: 'now' | 'cycleEnd'; charge: 'waive' | 'invoice' }

export function ChangePlan({ business, onClose }: { business: Business; onClose: () => void }) {
  const plans = useQuery(plansQuery)
  return (
    <Loaded query={plans}>
      {(all) => <Change business={business} plans={all.filter(({ archived }) => !archived)} onClose={onClose} />}
    </Loaded>
  )
}

function Change({ business, plans, onClose }: { business: Business; plans: Plan[]; onClose: () => void }) {
  const { id, subscription } = business
  const planOf = (key: string) => plans.find((plan) => plan.key === key)
  const firstPrice = (key: string) => Object.keys(planOf(key)?.prices ?? {})[0] ?? ''
  const first = plans.find(({ key }) => key !== business.plan?.key) ?? plans[0]
  const isPending = subscription?.pendingChange != null
  return (
    <ActionDialog<Values>
      businessId={id}
      title={text.title}
      submit={text.submit}
      initial={{ plan: first?.key ?? '', price: firstPrice(first?.key ?? ''), when: 'now', charge: 'waive' }}
      fields={(form) => (
        <>
          <NativeSelect
            label={text.plan}
            data-autofocus
            data={plans.map(({ key, name, hidden }) => ({ value: key, label: hidden ? text.hidden(name) : name }))}
            value={form.values.plan}
            onChange={({ currentTarget: { value } }) => form.setValues({ plan: value, price: firstPrice(value) })}
          />
          <NativeSelect
            label={text.price}
            data={Object.entries(planOf(form.values.plan)?.prices ?? {}).map(([name, price]) => ({
              value: name,
              label: priceText(price),
            }))}
            {...form.getInputProps('price')}
          />
          {subscription?.status !== 'ended' && (
            <NativeSelect
              label={actions.when}
              data={Object.entries(actions.whens).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps('when')}
            />
          )}
          {form.values.when === 'now' && (
            <NativeSelect
              label={text.charge}
              data={Object.entries(text.charges).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps('charge')}
            />
          )}
          {isPending && <Text>{text.replaces}</Text>}
        </>
      )}
      changes={({ plan, price, when }) => changesOf(business, planOf(plan), price, when)}
      send={(body) =>
        answer(
          api.PUT('/v1/staff/businesses/{id}/plan', {
            params: { path: { id } },
            body: { ...body, replace: isPending },
          }),
        )
      }
      said={({ plan }) => text.done(planOf(plan)?.name ?? plan)}
      onClose={onClose}
    />
  )
}

/** What becomes of the price and of every limit; of what is in use and does not fit, both numbers. */
function changesOf(business: Business, plan: Plan | undefined, priceName: string, when: Values['when']): Change[] {
  const { subscription, entitlements } = business
  const price = plan?.prices[priceName]
  if (!plan || !price) return []
  const limits = Object.entries(entitlements).flatMap(([name, { kind, limit, used, source }]): Change[] => {
    if ((kind !== 'metered' && kind !== 'allocated') || source === 'override') return []
    const included = plan.includes[name]
    const next = included === undefined ? 0 : (limitIn(included) as number | null)
    if (hasCredit(business, name))
      return [{ label: capital(words(name)), after: actions.override.withCredit(limitOf(next)) }]
    if (next === limit) return []
    const after = limitOf(next)
    const isOver = kind === 'allocated' && next !== null && (used ?? 0) > next
    return [
      {
        label: capital(words(name)),
        before: limitOf(limit),
        after: isOver ? text.exceeds(count(used ?? 0), after) : after,
      },
    ]
  })
  return [
    ...(subscription ? [{ label: text.price, before: priceText(subscription.price), after: priceText(price) }] : []),
    ...(subscription && when === 'cycleEnd' ? [{ label: actions.on, after: <Day at={subscription.cycleEnd} /> }] : []),
    ...limits,
  ]
}

const limitOf = (limit: number | null) => (limit === null ? shared.unlimited : count(limit))
