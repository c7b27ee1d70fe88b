import { Alert, Button, Group, List, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Refusal } from '../../api.ts'
import { text as plans } from '../../text/plan.ts'
import { text as shared } from '../../text/shared.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/form.tsx'
import { Failed, Loaded, Rows } from '../../ui/loaded.tsx'
import { now } from '../../ui/page.ts'
import { toast } from '../../ui/toast.ts'
import { capital, count, utcDay, words } from '../../ui/words.ts'
import { entitlementsQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { Cost } from './cost.tsx'
import { choosePlan, previewQuery, useRefresh, type Choice, type Plan, type Preview } from './data.ts'
import { amountText, differences, thingsOf, type Difference } from './included.ts'
import { Leaving } from './leaving.tsx'
import { nameOf, termsOf } from './terms.ts'

const { dialog: text } = plans

/** What a choice would mean, before anything is chosen; then it happens as it was shown, or not at all. */
export function ChangePlan(props: {
  choice: Choice
  plans: Plan[]
  onChoose: (choice: Choice) => void
  onClose: () => void
}) {
  const { choice, onChoose, onClose } = props
  const { plan, trial } = choice
  const { businessId, subscription } = useMembership()
  // As it was when the dialog opened: the answer changes it.
  const [before] = useState(subscription)
  const replaced = before?.awaitingPayment ?? (before?.status === 'trialing' ? null : before?.pendingChange)
  const isReplacing = Boolean(before?.awaitingPayment ?? before?.pendingChange)
  const preview = useQuery(previewQuery(businessId, choice, isReplacing))
  const isBuying = before?.status === 'trialing' && before.plan.key === plan.key
  const title = trial ? text.tryTitle : isBuying ? text.buyTitle : text.title
  const isTried = preview.error instanceof Refusal && preview.error.code === 'trial_already_used'
  return (
    <Dialog onClose={onClose} title={title(plan.name)} size="lg">
      {preview.error instanceof Refusal && preview.error.status >= 400 && preview.error.status < 500 ? (
        <Stack>
          <FormError error={preview.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {shared.close}
            </Button>
            {isTried && <Button onClick={() => onChoose({ ...choice, trial: false })}>{text.without}</Button>}
          </Group>
        </Stack>
      ) : preview.error ? (
        <Failed error={preview.error} retry={() => void preview.refetch()} busy={preview.isFetching} />
      ) : (
        <Loaded query={preview} skeleton={<Rows count={3} />}>
          {(said) => (
            <Stack>
              {before && replaced && said.direction !== 'none' && (
                <Text>{text.replaces(nameOf(replaced, termsOf(before)))}</Text>
              )}
              <WhatChanges choice={choice} plans={props.plans} preview={said} look={preview.refetch} />
              <Decide
                choice={choice}
                preview={said}
                isReplacing={isReplacing}
                look={async () => {
                  await preview.refetch()
                }}
                onClose={onClose}
              />
            </Stack>
          )}
        </Loaded>
      )}
    </Dialog>
  )
}

function WhatChanges(props: { choice: Choice; plans: Plan[]; preview: Preview; look: () => Promise<unknown> }) {
  const { choice, plans: all, preview, look } = props
  const { businessId, subscription, can } = useMembership()
  const entitlements = useQuery({ ...entitlementsQuery(businessId), enabled: can('usage:read') })
  const { plan, trial } = choice
  if (preview.direction === 'none') return <Text>{subscription?.pendingChange ? text.takesBack : text.nothing}</Text>
  const mine = subscription?.status === 'ended' ? undefined : subscription?.plan
  const before = all.find(({ key, version }) => key === mine?.key && version === mine.version)
  const { gained, lost } = differences(entitlements.data ?? {}, before, plan)
  const back = subscription?.status === 'active' ? subscription.plan.name : undefined
  return (
    <>
      {preview.blockers.length > 0 && <Blockers blockers={preview.blockers} look={look} />}
      {preview.freezes.length > 0 && <Freezes freezes={preview.freezes} />}
      {gained.length + lost.length === 0 && entitlements.data && <Text>{text.same}</Text>}
      <Differences title={text.gained} differences={gained} />
      <Differences title={text.lost} differences={lost} />
      {trial ? (
        <Text>{back === undefined ? text.trial(plan.trialDays) : text.trialBack(plan.trialDays, back)}</Text>
      ) : (
        <Cost choice={choice} preview={preview} />
      )}
    </>
  )
}

function Differences({ title, differences: all }: { title: string; differences: Difference[] }) {
  if (all.length === 0) return null
  return (
    <Stack gap={4}>
      <Text fw={600}>{title}</Text>
      <List size="sm" spacing={4} className="tabular">
        {all.map(({ feature, before, after }) => (
          <List.Item key={feature}>
            {text.from(capital(words(feature)), amountText(before), amountText(after))}
          </List.Item>
        ))}
      </List>
    </Stack>
  )
}

function Blockers({ blockers, look }: { blockers: Preview['blockers']; look: () => Promise<unknown> }) {
  const { can } = useMembership()
  const seats = blockers.find(({ feature }) => feature === 'members')
  return (
    <>
      <Alert color="warning" role="alert" title={text.fit}>
        {blockers.map(({ feature, used, limit }) => (
          <Text key={feature}>
            {text.blocker(count(used), count(limit), thingsOf(feature))}:{' '}
            {feature === 'members' ? text.chooseWho : text.release(count(used - limit))}
          </Text>
        ))}
      </Alert>
      {seats && can('members:manage') && <Leaving excess={seats.used - seats.limit} onLeft={look} />}
    </>
  )
}

function Freezes({ freezes }: { freezes: Preview['freezes'] }) {
  return (
    <Alert color="warning" title={text.frozen}>
      <Stack gap={4}>
        {freezes.map(({ feature, used, limit, frozen }) => (
          <Text key={feature}>{text.freeze(count(used), count(limit), thingsOf(feature), count(frozen))}</Text>
        ))}
      </Stack>
    </Alert>
  )
}

function Decide(props: {
  choice: Choice
  preview: Preview
  isReplacing: boolean
  look: () => Promise<void>
  onClose: () => void
}) {
  const { choice, preview, isReplacing, look, onClose } = props
  const { businessId } = useMembership()
  const refresh = useRefresh(businessId)
  const [hasChanged, setChanged] = useState(false)
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => choosePlan(businessId, choice, { replace: isReplacing, quoteId: preview.quoteId }),
    onMutate: () => setChanged(false),
    onSuccess: async (result) => {
      await refresh()
      if (!('quoteId' in result)) toast(whatBecame(choice.plan.name, result))
      onClose()
    },
    onError: async (refused) => {
      if (!isStale(refused)) return
      await look()
      setChanged(true)
    },
  })
  const isLater = Date.parse(preview.effectiveAt) > now().getTime() + 60_000
  const { submit } = text
  const label = choice.trial ? submit.trial : preview.dueNow > 0 ? submit.pay : isLater ? submit.later : submit.now
  return (
    <>
      {hasChanged && (
        <Alert color="warning" role="alert">
          {text.changed}
        </Alert>
      )}
      <FormError error={error !== null && !isStale(error) ? error : undefined} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          {shared.cancel}
        </Button>
        <Button onClick={() => mutate()} loading={isPending} disabled={preview.blockers.length > 0} data-autofocus>
          {label}
        </Button>
      </Group>
    </>
  )
}

const isStale = (error: Error | null) => error instanceof Refusal && error.code === 'stale_subscription'

function whatBecame(name: string, { awaitingPayment, pendingChange, status }: Became): string {
  if (awaitingPayment) return text.doneWaits(name)
  // In a trial what is to come is the way back.
  if (!pendingChange || status === 'trialing') return text.done(name)
  return text.doneLater(name, utcDay(new Date(pendingChange.effectiveAt)))
}
type Became = NonNullable<ReturnType<typeof useMembership>['subscription']>
