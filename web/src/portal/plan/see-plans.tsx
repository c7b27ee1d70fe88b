import { Text } from '@mantine/core'
import { text } from '../../text/plan.ts'
import { TextLink } from '../../ui/links.tsx'
import { useMembership } from '../membership.tsx'

/** Where a limit is reached: the way to more, or who can go it. */
export function SeePlans() {
  const { businessId, can } = useMembership()
  if (!can('subscription:manage')) {
    return (
      <Text span size="xs">
        {text.askOwner}
      </Text>
    )
  }
  return (
    <TextLink to="/b/$businessId/plan" params={{ businessId }} size="xs">
      {text.see}
    </TextLink>
  )
}
