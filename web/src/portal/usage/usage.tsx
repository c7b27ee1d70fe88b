import { Card, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Schemas } from '../../api.ts'
import { text as plan } from '../../text/plan.ts'
import { text } from '../../text/usage.ts'
import { Facts } from '../../ui/facts.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { Meter } from '../../ui/meter.tsx'
import { Screen } from '../../ui/screen.tsx'
import { capital, count, money, words } from '../../ui/words.ts'
import { entitlementsQuery } from '../data.ts'
import { Needs, useMembership } from '../membership.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { OverTime } from './over-time.tsx'

type Entitlement = Schemas['Entitlement']

/** What is used of what there is, and when it was used. */
export function Usage() {
  const { businessId, can } = useMembership()
  const upgrade = can('subscription:manage') && (
    <ButtonLink variant="default" to="/b/$businessId/plan" params={{ businessId }}>
      {plan.see}
    </ButtonLink>
  )
  return (
    <Screen title={text.title} about={text.about} actions={upgrade}>
      <Needs permission="usage:read">
        <Known />
      </Needs>
    </Screen>
  )
}

function Known() {
  const { businessId } = useMembership()
  const entitlements = useQuery(entitlementsQuery(businessId))
  return (
    <Loaded query={entitlements} skeleton={<Rows count={2} height={160} />}>
      {(known) => {
        const all = Object.entries(known)
        const counted = all.filter(([, { kind }]) => kind === 'metered' || kind === 'allocated')
        const others = all.filter(([, { kind }]) => kind === 'switch' || kind === 'value')
        // Members are on the team's page; what is used of others over time is kept.
        const series = counted.filter(([name]) => name !== 'members').map(([name]) => name)
        return (
          <>
            <Stack gap="md" component="section" aria-labelledby="meters">
              <Title order={2} id="meters">
                {text.meters}
              </Title>
              {counted.length === 0 ? <Empty>{text.nothingCounted}</Empty> : <Meters counted={counted} />}
            </Stack>
            {others.length > 0 && (
              <Stack gap="md" component="section" aria-labelledby="settings">
                <Title order={2} id="settings">
                  {text.settings}
                </Title>
                <Facts
                  facts={Object.fromEntries(others.map(([name, each]) => [capital(words(name)), included(each)]))}
                />
              </Stack>
            )}
            {series.length > 0 && <OverTime features={series} entitlements={known} />}
          </>
        )
      }}
    </Loaded>
  )
}

const included = ({ kind, enabled, value }: Entitlement): string =>
  kind === 'switch' ? (enabled === true ? text.yes : text.no) : count(value ?? 0)

function Meters({ counted }: { counted: [string, Entitlement][] }) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
      {counted.map(([name, standing]) => (
        <Card key={name} withBorder>
          <Stack gap="xs">
            <Meter label={capital(words(name))} standing={standing} />
            <Beyond standing={standing} />
            {standing.source === 'override' && <Text c="dimmed">{text.agreed}</Text>}
            {isNear(standing) && <SeePlans />}
          </Stack>
        </Card>
      ))}
    </SimpleGrid>
  )
}

function Beyond({ standing: { overage } }: { standing: Entitlement }) {
  if (!overage || overage.units === 0) return null
  const { units, cost, spendCap } = overage
  return (
    <Text>
      {text.beyond(count(units), money(cost.amount, cost.currency))}
      {spendCap && ` ${text.cap(money(spendCap.amount, spendCap.currency))}`}
    </Text>
  )
}

const isNear = ({ limit, used }: Entitlement) => limit !== null && (used ?? 0) >= limit * 0.8
