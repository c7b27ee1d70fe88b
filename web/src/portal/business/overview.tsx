import { Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/business.ts'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { Meter } from '../../ui/meter.tsx'
import { every } from '../../ui/query.ts'
import { Screen } from '../../ui/screen.tsx'
import { Day, When } from '../../ui/time.tsx'
import { capital, money, words } from '../../ui/words.ts'
import { entitlementsQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { SubscriptionStatus } from '../plan/subscription-status.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { FirstSteps } from './first-steps.tsx'

type Entitlements = Record<string, Schemas['Entitlement']>

export function Overview() {
  const { business, businessId, subscription } = useMembership()
  const entitlements = useQuery({
    ...entitlementsQuery(businessId),
    // Whoever counts their first unit in a terminal sees it here.
    refetchInterval: every(2000, hasCounted),
  })
  return (
    <Screen title={business.name}>
      <Loaded query={entitlements} skeleton={<Rows count={2} height={160} />}>
        {(known) => (
          <>
            <FirstSteps entitlements={known} />
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
              <PlanCard subscription={subscription} />
              <Card withBorder>
                <Title order={2} size="h3" mb="md">
                  {text.overview.usage}
                </Title>
                <Meters entitlements={known} />
              </Card>
            </SimpleGrid>
          </>
        )}
      </Loaded>
    </Screen>
  )
}

const counted = (entitlements: Entitlements) =>
  Object.entries(entitlements).filter(([, { kind }]) => kind === 'metered' || kind === 'allocated')

const hasCounted = (entitlements: Entitlements) =>
  Object.values(entitlements).some(({ kind, used }) => kind === 'metered' && (used ?? 0) > 0)

function Meters({ entitlements }: { entitlements: Entitlements }) {
  const shown = counted(entitlements)
  if (shown.length === 0) return <Text c="dimmed">{text.overview.nothingCounted}</Text>
  return (
    <Stack gap="md">
      {shown.map(([name, standing]) => (
        <Meter key={name} label={capital(words(name))} standing={standing} />
      ))}
    </Stack>
  )
}

function PlanCard({ subscription }: { subscription: Schemas['Subscription'] | null }) {
  const { overview } = text
  return (
    <Card withBorder>
      <Title order={2} size="h3" mb="md">
        {overview.plan}
      </Title>
      {subscription && (
        <Stack gap="xs">
          <Group gap="xs">
            <Text size="lg" fw={600}>
              {subscription.plan.name}
            </Text>
            <SubscriptionStatus of={subscription} />
          </Group>
          <Text>{priceOf(subscription)}</Text>
          <Text c="dimmed">
            {endingOf(subscription)} <Day at={subscription.cycleEnd} /> {overview.zone} (
            <When at={subscription.cycleEnd} />)
          </Text>
          <SeePlans />
        </Stack>
      )}
    </Card>
  )
}

function priceOf({ price }: Schemas['Subscription']): string {
  if (price.amount === 0) return text.overview.free
  const { unit, count } = price.interval
  return text.overview.every(money(price.amount, price.currency), text.overview.interval(unit, count))
}

function endingOf({ status, cancelAtCycleEnd }: Schemas['Subscription']): string {
  if (status === 'trialing') return text.overview.trialEnds
  return status === 'ended' || cancelAtCycleEnd ? text.overview.ends : text.overview.renews
}
