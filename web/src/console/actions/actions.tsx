import { Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-actions.ts'
import { Extend } from './extend.tsx'

type Business = Schemas['StaffBusinessPage']
type Doing = 'extend'

/** The rail of what can be done to a business as it stands. */
export function Actions({ business }: { business: Business }) {
  const [doing, setDoing] = useState<Doing>()
  const possible = possibleWith(business)
  return (
    <>
      <Stack component="aside" gap="xs" aria-label={text.label}>
        {possible.length === 0 && <Text c="dimmed">{text.nothing}</Text>}
        {possible.map((each) => (
          <Button key={each} variant="default" justify="flex-start" onClick={() => setDoing(each)}>
            {text[each].action}
          </Button>
        ))}
      </Stack>
      {doing && <Action doing={doing} business={business} onClose={() => setDoing(undefined)} />}
    </>
  )
}

function possibleWith({ status, subscription }: Business): Doing[] {
  if (status === 'closed') return []
  const isOpen = status === 'active'
  const isRunning = subscription !== null && subscription.status !== 'ended'
  return isOpen && isRunning ? ['extend'] : []
}

function Action({ doing, business, onClose }: { doing: Doing; business: Business; onClose: () => void }) {
  const { id: businessId, subscription } = business
  switch (doing) {
    case 'extend':
      return subscription && <Extend businessId={businessId} subscription={subscription} onClose={onClose} />
  }
}
