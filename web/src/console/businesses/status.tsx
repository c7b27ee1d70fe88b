import type { Schemas } from '../../api.ts'
import { text } from '../../text/console.ts'
import { Tag } from '../../ui/tag.tsx'

type Standing = Pick<Schemas['StaffBusiness'], 'status'> & {
  subscription: Pick<Schemas['Subscription'], 'status' | 'cancelAtCycleEnd'> | null
}

const tones = {
  trialing: 'neutral',
  active: 'success',
  past_due: 'danger',
  paused: 'warning',
  ended: 'neutral',
  ending: 'warning',
  suspended: 'danger',
  closed: 'neutral',
  none: 'neutral',
} as const

/** One word for how it stands: the business's own where it is not open, else its subscription's. */
function statusOf({ status, subscription }: Standing): keyof typeof tones {
  if (status !== 'active') return status
  if (!subscription) return 'none'
  return subscription.status !== 'ended' && subscription.cancelAtCycleEnd ? 'ending' : subscription.status
}

export function Status({ of }: { of: Standing }) {
  const status = statusOf(of)
  return <Tag tone={tones[status]}>{text.status[status]}</Tag>
}
