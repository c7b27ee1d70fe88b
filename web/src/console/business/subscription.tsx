import { Card, Stack, Text } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-business.ts'
import { Credits } from '../money/credits.tsx'
import { Invoices } from '../money/invoices.tsx'
import { SubscriptionFacts } from './subscription-facts.tsx'

/** How the subscription stands, what was billed for it, and what the business has in hand. */
export function Subscription({ business }: { business: Schemas['StaffBusinessPage'] }) {
  const { id, subscription } = business
  return (
    <Stack gap="xl">
      <Card withBorder maw={560}>
        {subscription ? (
          <SubscriptionFacts subscription={subscription} />
        ) : (
          <Text c="dimmed">{text.noSubscription}</Text>
        )}
      </Card>
      <Invoices businessId={id} />
      <Credits businessId={id} />
    </Stack>
  )
}
