import { Alert } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { text } from '../../text/support.ts'
import { TextLink } from '../../ui/links.tsx'
import { useMembership } from '../membership.tsx'
import { supportQuery } from './data.ts'

/** On every screen while somebody of support looks in, or asks to. */
export function SupportBanner() {
  const { businessId, can } = useMembership()
  const support = useInfiniteQuery({ ...supportQuery(businessId), enabled: can('support:read') })
  const going = (support.data?.sessions ?? []).filter(({ status }) => status === 'active' || status === 'requested')
  return going.map(({ id, by, reason, status }) => (
    <Alert key={id} color="warning" title={text.banner[status === 'active' ? 'active' : 'requested'](by.name)} mb="lg">
      {reason}.{' '}
      <TextLink to="/b/$businessId/support-access" params={{ businessId }}>
        {status === 'active' ? text.banner.see : text.banner.answer}
      </TextLink>
    </Alert>
  ))
}
