import type { Schemas } from '../../api.ts'
import { text as business } from '../../text/business.ts'
import { text } from '../../text/console-business.ts'
import { Facts } from '../../ui/facts.tsx'
import { now } from '../../ui/page.ts'
import { Day } from '../../ui/time.tsx'
import { money, words } from '../../ui/words.ts'

/** How a subscription stands. */
export function SubscriptionFacts({ subscription }: { subscription: Schemas['Subscription'] }) {
  const { plan, cycleStart, cycleEnd, trialEnd, graceEnd, pendingChange, awaitingPayment } = subscription
  return (
    <Facts
      facts={{
        [text.plan]: `${plan.name}, ${text.version(plan.version)}`,
        [text.price]: priceText(subscription.price),
        [text.cycle]: (
          <>
            <Day at={cycleStart} /> – <Day at={cycleEnd} /> {text.zone}
          </>
        ),
        [trialEnd && new Date(trialEnd) <= now() ? text.trialEnded : text.trialEnd]: trialEnd && <Day at={trialEnd} />,
        [text.graceEnd]: graceEnd && <Day at={graceEnd} />,
        [text.atEnd]: subscription.status !== 'ended' && endingOf(subscription),
        [text.pending]: pendingChange && text.pendingTo(pendingChange.plan.name),
        [text.awaiting]: awaitingPayment && termsText(awaitingPayment),
      }}
    />
  )
}

/** The only price of a plan has no name that anybody knows. */
const termsText = ({ plan, price }: { plan: { name: string }; price: string }) =>
  price === 'default' ? plan.name : `${plan.name} (${words(price)})`

/** What a plan or a subscription costs, as people say it. */
export function priceText({ amount, currency, interval }: Omit<Schemas['Subscription']['price'], 'name'>): string {
  if (amount === 0) return business.overview.free
  return business.overview.every(money(amount, currency), business.overview.interval(interval.unit, interval.count))
}

const endingOf = ({ cancelAtCycleEnd, pauseAtCycleEnd }: Schemas['Subscription']) =>
  cancelAtCycleEnd ? text.cancels : pauseAtCycleEnd ? text.pauses : text.renews
