import { Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/plan.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Facts } from '../../ui/facts.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Day } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { money, utcDay } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { CancelPlan } from './cancel-plan.tsx'
import { choosePlan, useRefresh, type Subscription } from './data.ts'
import { priceText } from './included.ts'
import { SubscriptionStatus } from './subscription-status.tsx'
import { nameOf, termsOf } from './terms.ts'

type Doing = 'cancel' | 'undoCancel' | 'pause' | 'resume' | 'keep' | 'undoPause'

/** What is bought now, what comes next, and what one can do about it. */
export function CurrentPlan() {
  const { subscription, can } = useMembership()
  const [doing, setDoing] = useState<Doing>()
  if (!subscription) return <Text c="dimmed">{text.none}</Text>
  const { plan, status, price } = subscription
  return (
    <Card withBorder component="section" aria-labelledby="current-plan">
      <Stack gap="md">
        <Group gap="xs">
          <Title order={2} id="current-plan">
            {plan.name}
          </Title>
          <SubscriptionStatus of={subscription} />
        </Group>
        <Facts
          facts={{
            [text.price]: priceText(price),
            [text.cycle]: status !== 'ended' && status !== 'paused' && (
              <>
                <Day at={subscription.cycleStart} /> – <Day at={subscription.cycleEnd} /> {text.zone}
              </>
            ),
            [status === 'ended' ? text.ended : text.next]: nextOf(subscription),
          }}
        />
        {subscription.awaitingPayment && <Waiting subscription={subscription} />}
        {can('subscription:manage') && <Actions subscription={subscription} onDo={setDoing} />}
      </Stack>
      {doing && <Doings doing={doing} subscription={subscription} onClose={() => setDoing(undefined)} />}
    </Card>
  )
}

function nextOf(subscription: Subscription): ReactNode {
  const { status, price, cycleEnd, endedAt, endReason, pendingChange } = subscription
  const at = <Day at={cycleEnd} />
  if (status === 'ended') {
    return (
      <>
        {endedAt !== null && <Day at={endedAt} />}. {text.endReasons[endReason ?? '']}
      </>
    )
  }
  if (status === 'paused') return text.paused
  if (subscription.cancelAtCycleEnd)
    return (
      <>
        {text.ends} {at}
      </>
    )
  if (subscription.pauseAtCycleEnd)
    return (
      <>
        {text.pauses} {at}
      </>
    )
  if (pendingChange)
    return (
      <>
        {text.changes(nameOf(pendingChange, termsOf(subscription)))} {at}
      </>
    )
  if (status === 'trialing')
    return (
      <>
        {text.trialEnds} {at}
      </>
    )
  if (price.amount > 0)
    return (
      <>
        {text.renewsFor(money(price.amount, price.currency))} {at}
      </>
    )
  return (
    <>
      {text.renews} {at}
    </>
  )
}

function Waiting({ subscription }: { subscription: Subscription }) {
  const { businessId } = useMembership()
  const { awaitingPayment } = subscription
  if (!awaitingPayment) return null
  const { invoiceId } = awaitingPayment
  return (
    <Stack gap={4} align="flex-start" role="status">
      <Text fw={600}>{text.waits(nameOf(awaitingPayment, termsOf(subscription)))}</Text>
      <Text c="dimmed">{text.waitsAbout}</Text>
      <ButtonLink to="/b/$businessId/invoices/$invoiceId" params={{ businessId, invoiceId }} mt="xs">
        {text.seeInvoice}
      </ButtonLink>
    </Stack>
  )
}

/** What may be done as it stands: the server refuses the rest. */
function doable({ status, price, awaitingPayment, pendingChange, cancelAtCycleEnd, pauseAtCycleEnd }: Subscription) {
  const isOn = status === 'trialing' || status === 'active' || status === 'past_due'
  const doings: Doing[] = []
  if (status === 'paused' && !awaitingPayment) doings.push('resume')
  // In a trial the change that is to come is the way back, which is no choice to be taken back.
  if (status === 'active' && (pendingChange || awaitingPayment)) doings.push('keep')
  if (isOn && cancelAtCycleEnd) doings.push('undoCancel')
  if (isOn && pauseAtCycleEnd) doings.push('undoPause')
  if (status === 'active' && price.amount > 0 && !cancelAtCycleEnd && !pauseAtCycleEnd) doings.push('pause')
  if (status !== 'ended' && !cancelAtCycleEnd) doings.push('cancel')
  return doings
}

function Actions({ subscription, onDo }: { subscription: Subscription; onDo: (doing: Doing) => void }) {
  const { business, bar } = useMembership()
  // What is overdue bars no way out; a business that is not open bars all.
  const closed = business.status === 'active' ? undefined : bar
  const mine = termsOf(subscription)
  const other = subscription.awaitingPayment ?? subscription.pendingChange ?? mine
  const labels: Record<Doing, string> = { ...text, keep: text.keep(nameOf(mine, other)) }
  const doings = doable(subscription)
  if (doings.length === 0) return null
  return (
    <Group gap="xs">
      {doings.map((doing) => (
        <Button
          key={doing}
          variant="default"
          onClick={() => onDo(doing)}
          disabled={closed !== undefined}
          title={closed}
        >
          {labels[doing]}
        </Button>
      ))}
    </Group>
  )
}

function Doings(props: { doing: Doing; subscription: Subscription; onClose: () => void }) {
  const { doing, subscription, onClose } = props
  const { businessId } = useMembership()
  const refresh = useRefresh(businessId)
  const { plan, price, cycleEnd, pendingChange, awaitingPayment } = subscription
  const params = { path: { businessId } }
  const end = utcDay(new Date(cycleEnd))
  const done = (said: string) => async () => {
    await refresh()
    toast(said)
  }
  switch (doing) {
    case 'cancel':
      return <CancelPlan subscription={subscription} onClose={onClose} />
    case 'undoCancel':
      return (
        <Confirm
          title={text.keepTitle(plan.name)}
          action={text.undoCancel}
          onConfirm={() =>
            answer(api.DELETE('/v1/businesses/{businessId}/subscription/cancellation', { params })).then(
              done(text.cancelUndone),
            )
          }
          onClose={onClose}
        />
      )
    case 'pause':
      return (
        <Confirm
          title={text.pauseDialog.title(plan.name)}
          action={text.pauseDialog.submit}
          onConfirm={() =>
            answer(api.POST('/v1/businesses/{businessId}/subscription/pause', { params })).then(
              done(text.pauseDialog.done(plan.name, end)),
            )
          }
          onClose={onClose}
        >
          {text.pauseDialog.about(end)}
        </Confirm>
      )
    case 'undoPause':
    case 'resume': {
      const isResume = doing === 'resume'
      const said = isResume ? (price.amount > 0 ? text.resumeWaits : text.resumed) : text.pauseUndone
      return (
        <Confirm
          title={isResume ? text.resumeDialog.title(plan.name) : text.keepTitle(plan.name)}
          action={isResume ? text.resumeDialog.submit : text.undoPause}
          onConfirm={() =>
            answer(api.DELETE('/v1/businesses/{businessId}/subscription/pause', { params })).then(done(said))
          }
          onClose={onClose}
        >
          {isResume &&
            (price.amount > 0
              ? `${text.resumeDialog.about(priceText(price))} ${text.resumeDialog.paid}`
              : text.resumeDialog.aboutFree)}
        </Confirm>
      )
    }
    case 'keep': {
      const mine = termsOf(subscription)
      const other = awaitingPayment ?? pendingChange ?? mine
      const keep = () => choosePlan(businessId, { plan, price: price.name, trial: false }, { replace: true })
      return (
        <Confirm
          title={text.keepTitle(nameOf(mine, other))}
          action={text.keep(nameOf(mine, other))}
          onConfirm={() => keep().then(done(text.kept(nameOf(mine, other))))}
          onClose={onClose}
        >
          {text.keepAbout(nameOf(other, mine))}
        </Confirm>
      )
    }
  }
}
