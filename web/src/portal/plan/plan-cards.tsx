import { Button, CheckIcon, Group, NativeSelect, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { text } from '../../text/plan.ts'
import { text as shared } from '../../text/shared.ts'
import { Tag } from '../../ui/tag.tsx'
import { useMembership } from '../membership.tsx'
import type { Choice, Plan, Subscription } from './data.ts'
import { includedText, isIncluded, priceText } from './included.ts'
import classes from './plan-cards.module.css'

type OnChoose = (choice: Choice) => void

/** What there is to choose from, one beside the other. */
export function PlanCards({ plans, onChoose }: { plans: Plan[]; onChoose: OnChoose }) {
  return (
    <ul className={classes.cards}>
      {plans.map((plan) => (
        <PlanCard key={plan.key} plan={plan} onChoose={onChoose} />
      ))}
    </ul>
  )
}

function PlanCard({ plan, onChoose }: { plan: Plan; onChoose: OnChoose }) {
  const { subscription, can } = useMembership()
  const isOn = subscription !== null && subscription.status !== 'ended'
  const isCurrent = isOn && subscription.plan.key === plan.key
  const names = Object.keys(plan.prices)
  const [price, setPrice] = useState(() =>
    isCurrent && names.includes(subscription.price.name) ? subscription.price.name : (names[0] ?? ''),
  )
  const terms = plan.prices[price]
  return (
    <li className={classes.card} data-current={isCurrent} aria-labelledby={`plan-${plan.key}`}>
      <Stack gap={4}>
        <Group gap="xs" justify="space-between">
          <Title order={3} id={`plan-${plan.key}`}>
            {plan.name}
          </Title>
          {isCurrent && <Tag>{text.current}</Tag>}
        </Group>
        {names.length > 1 ? (
          <NativeSelect
            aria-label={text.pay(plan.name)}
            value={price}
            onChange={(event) => setPrice(event.currentTarget.value)}
            data={Object.entries(plan.prices).map(([value, each]) => ({ value, label: priceText(each) }))}
          />
        ) : (
          terms && <Text className="tabular">{priceText(terms)}</Text>
        )}
      </Stack>
      <Included includes={plan.includes} />
      {can('subscription:manage') && terms && (
        <Choices plan={plan} price={price} subscription={subscription} onChoose={onChoose} />
      )}
    </li>
  )
}

function Included({ includes }: { includes: Plan['includes'] }) {
  return (
    <ul className={classes.included}>
      {Object.entries(includes).map(([feature, included]) => (
        <li key={feature} data-not={!isIncluded(included)}>
          <span className={classes.mark} aria-hidden>
            {isIncluded(included) ? <CheckIcon size={10} /> : shared.none}
          </span>
          <span>{includedText(feature, included)}</span>
        </li>
      ))}
    </ul>
  )
}

function Choices(props: { plan: Plan; price: string; subscription: Subscription | null; onChoose: OnChoose }) {
  const { plan, price, subscription, onChoose } = props
  const { business, bar } = useMembership()
  const isPastDue = subscription?.status === 'past_due'
  const barred = business.status === 'active' ? (isPastDue ? text.bars.past_due : undefined) : bar
  const { said, label } = standing(plan, price, subscription)
  const trial = trialOf(plan, price, subscription)
  if (said === undefined && label === undefined && !trial) return null
  return (
    <Stack gap="xs">
      {said !== undefined && <Text c="dimmed">{said}</Text>}
      {label !== undefined && (
        <Button
          variant={trial ? 'default' : 'filled'}
          disabled={barred !== undefined}
          title={barred}
          onClick={() => onChoose({ plan, price, trial: false })}
        >
          {label}
        </Button>
      )}
      {trial && (
        <Button disabled={barred !== undefined} title={barred} onClick={() => onChoose({ plan, price, trial: true })}>
          {text.tryIt(plan.name, plan.trialDays)}
        </Button>
      )}
      {barred !== undefined && label !== undefined && (
        <Text size="xs" c="dimmed">
          {barred}
        </Text>
      )}
    </Stack>
  )
}

/** How a plan at a price stands to what one has, and what choosing it would be called. */
function standing(plan: Plan, price: string, subscription: Subscription | null): { said?: string; label?: string } {
  const choose = { label: text.choose(plan.name) }
  if (!subscription) return choose
  const { status, awaitingPayment, pendingChange, price: mine } = subscription
  const isThis = (each: { plan: Subscription['plan']; price: string } | null) =>
    each?.plan.key === plan.key && each.price === price
  if (isThis(awaitingPayment)) return { said: text.waitsHere }
  const isMine = subscription.plan.key === plan.key
  if (status === 'ended') return isMine ? { label: text.again(plan.name) } : choose
  const isPaid = (plan.prices[price]?.amount ?? 0) > 0
  if (isMine && status === 'trialing' && isPaid) return { label: text.buy(plan.name) }
  if (isThis(pendingChange)) return { said: text.pending }
  if (!isMine) return choose
  if (mine.name !== price) return { label: text.newPrice(plan.name) }
  if (subscription.plan.version === plan.version) return {}
  return { said: text.earlier, label: text.newTerms(plan.name) }
}

/** Begins on a free plan, or without one. Whether it was used before, the server knows. */
function trialOf(plan: Plan, price: string, subscription: Subscription | null): boolean {
  if (plan.trialDays === 0 || (plan.prices[price]?.amount ?? 0) === 0) return false
  if (!subscription || subscription.status === 'ended') return true
  return subscription.status === 'active' && subscription.price.amount === 0 && !subscription.awaitingPayment
}
