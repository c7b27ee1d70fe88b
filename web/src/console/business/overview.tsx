import { Card, Code, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-business.ts'
import { Facts } from '../../ui/facts.tsx'
import { Meter } from '../../ui/meter.tsx'
import { When } from '../../ui/time.tsx'
import { capital, words } from '../../ui/words.ts'
import { SubscriptionFacts } from './subscription-facts.tsx'

type Business = Schemas['StaffBusinessPage']

export function Overview({ business }: { business: Business }) {
  const { subscription } = business
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Card withBorder>
        <Title order={2} size="h3" mb="md">
          {text.facts}
        </Title>
        <BusinessFacts business={business} />
      </Card>
      <Card withBorder>
        <Title order={2} size="h3" mb="md">
          {text.subscription}
        </Title>
        {subscription ? (
          <SubscriptionFacts subscription={subscription} />
        ) : (
          <Text c="dimmed">{text.noSubscription}</Text>
        )}
      </Card>
      <Card withBorder>
        <Title order={2} size="h3" mb="md">
          {text.usage}
        </Title>
        <Meters entitlements={business.entitlements} />
      </Card>
    </SimpleGrid>
  )
}

function BusinessFacts({
  business: { id, externalId, owner, createdAt, closedAt, supportAccess, fields },
}: {
  business: Business
}) {
  return (
    <Facts
      facts={{
        [text.id]: <Code>{id}</Code>,
        [text.externalId]: externalId,
        [text.owner]: owner && <Person {...owner} />,
        [text.created]: <When at={createdAt} />,
        [text.closed]: closedAt && <When at={closedAt} />,
        [text.supportAccess]: text.policies[supportAccess],
        ...Object.fromEntries(
          Object.entries(fields).map(([name, value]) => [
            capital(words(name)),
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        ),
      }}
    />
  )
}

const Person = ({ name, email }: { name: string; email: string }) => (
  <>
    <div>{name}</div>
    <div>{email}</div>
  </>
)

function Meters({ entitlements }: Pick<Business, 'entitlements'>) {
  const counted = Object.entries(entitlements).filter(([, { kind }]) => kind === 'metered' || kind === 'allocated')
  if (counted.length === 0) return <Text c="dimmed">{text.nothingCounted}</Text>
  return (
    <Stack gap="md">
      {counted.map(([name, standing]) => (
        <Meter key={name} label={capital(words(name))} standing={standing} />
      ))}
    </Stack>
  )
}
