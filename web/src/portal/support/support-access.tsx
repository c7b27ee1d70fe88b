import { Stack, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { text } from '../../text/support.ts'
import { Empty, Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Needs, useMembership } from '../membership.tsx'
import { supportQuery } from './data.ts'
import { PolicyForm } from './policy-form.tsx'
import { SessionTable } from './session-table.tsx'

/** Who of the product's staff may look in, and who did. */
export function SupportAccess() {
  return (
    <Screen title={text.title} about={text.about}>
      <Needs permission="support:read">
        <Known />
      </Needs>
    </Screen>
  )
}

function Known() {
  const { businessId } = useMembership()
  const support = useInfiniteQuery(supportQuery(businessId))
  return (
    <Loaded query={support}>
      {({ policy, sessions }) => (
        <>
          <PolicyForm key={policy} policy={policy} />
          <Stack gap="md">
            <Title order={2}>{text.sessions.title}</Title>
            {sessions.length === 0 ? <Empty>{text.sessions.empty}</Empty> : <SessionTable sessions={sessions} />}
            <More of={{ ...support, data: sessions }} kept />
          </Stack>
        </>
      )}
    </Loaded>
  )
}
