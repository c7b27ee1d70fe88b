import type { Schemas } from '../../api.ts'
import { text } from '../../text/business.ts'
import { Tag } from '../../ui/tag.tsx'

/** How it stands in a word: in green what is well, in red what keeps something from working. */
export function SubscriptionStatus({ of: { status, access } }: { of: Schemas['Subscription'] }) {
  const tone = access !== 'full' ? 'danger' : status === 'past_due' ? 'warning' : 'success'
  return <Tag tone={tone}>{text.overview.status[status]}</Tag>
}
