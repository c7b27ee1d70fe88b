import { Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as ledger } from '../../text/console-money.ts'
import { CreditMoney } from '../money/credit-money.tsx'
import { Cancel } from './cancel.tsx'
import { ChangePlan } from './change-plan.tsx'
import { Convert } from './convert.tsx'
import { Correct } from './correct.tsx'
import { Extend } from './extend.tsx'
import { Grant, meteredFeatures } from './grant.tsx'
import { LookIn } from './look-in.tsx'
import { Override } from './override.tsx'
import { Suspend } from './suspend.tsx'

type Business = Schemas['StaffBusinessPage']
type Doing =
  | 'plan'
  | 'convert'
  | 'extend'
  | 'grant'
  | 'money'
  | 'correct'
  | 'override'
  | 'support'
  | 'cancel'
  | 'suspend'
  | 'reactivate'

const labels: Record<Doing, string> = {
  plan: actions.plan.action,
  convert: ledger.convert.action,
  extend: actions.extend.action,
  grant: actions.grant.action,
  money: ledger.credit.give.action,
  correct: actions.correct.action,
  override: actions.override.action,
  support: actions.support.action,
  cancel: actions.cancel.action,
  suspend: actions.suspend.action,
  reactivate: actions.reactivate.action,
}

/** The rail of what can be done to a business as it stands. */
export function Actions({ business }: { business: Business }) {
  const [doing, setDoing] = useState<Doing>()
  const possible = possibleWith(business)
  return (
    <>
      <Stack component="aside" gap="xs" aria-label={actions.label}>
        {possible.length === 0 && <Text c="dimmed">{actions.nothing}</Text>}
        {possible.map((each) => (
          <Button key={each} variant="default" justify="flex-start" onClick={() => setDoing(each)}>
            {labels[each]}
          </Button>
        ))}
      </Stack>
      {doing && <Action doing={doing} business={business} onClose={() => setDoing(undefined)} />}
    </>
  )
}

function possibleWith(business: Business): Doing[] {
  const { status, subscription, supportAccess, entitlements } = business
  if (status === 'closed') return []
  const isOpen = status === 'active'
  const isRunning = subscription !== null && subscription.status !== 'ended'
  const may: Record<Doing, boolean> = {
    plan: isOpen,
    convert: isOpen && subscription?.status === 'trialing',
    extend: isOpen && isRunning,
    grant: isRunning && meteredFeatures(business).length > 0,
    money: true,
    correct: subscription !== null && meteredFeatures(business).length > 0,
    override: isRunning && Object.keys(entitlements).length > 0,
    support: supportAccess !== 'never',
    cancel: isRunning,
    suspend: isOpen,
    reactivate: !isOpen,
  }
  return (Object.keys(may) as Doing[]).filter((each) => may[each])
}

function Action({ doing, business, onClose }: { doing: Doing; business: Business; onClose: () => void }) {
  const { id: businessId, subscription } = business
  switch (doing) {
    case 'plan':
      return <ChangePlan business={business} onClose={onClose} />
    case 'extend':
      return subscription && <Extend businessId={businessId} subscription={subscription} onClose={onClose} />
    case 'convert':
      return subscription && <Convert businessId={businessId} subscription={subscription} onClose={onClose} />
    case 'money':
      return <CreditMoney businessId={businessId} direction="give" onClose={onClose} />
    case 'grant':
      return <Grant business={business} onClose={onClose} />
    case 'correct':
      return <Correct business={business} onClose={onClose} />
    case 'override':
      return <Override business={business} onClose={onClose} />
    case 'support':
      return <LookIn business={business} onClose={onClose} />
    case 'cancel':
      return subscription && <Cancel businessId={businessId} subscription={subscription} onClose={onClose} />
    case 'suspend':
    case 'reactivate':
      return <Suspend business={business} onClose={onClose} />
  }
}
