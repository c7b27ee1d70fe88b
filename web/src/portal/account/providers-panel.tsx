import { Button, Group, Text } from '@mantine/core'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text as account } from '../../text/account.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { page } from '../../ui/page.ts'
import { Panel } from '../../ui/panel.tsx'
import { toast } from '../../ui/toast.ts'

const { providers: text } = account

/** Asked only where a product has providers at all: elsewhere everybody has a password. */
export const waysInQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: () => answer(api.GET('/v1/me/providers')),
  enabled: page.socialSignIn.length > 0,
})

/** With whom one signs in beside a password. */
export function ProvidersPanel() {
  const waysIn = useQuery(waysInQuery)
  const queryClient = useQueryClient()
  const [leaving, setLeaving] = useState<{ provider: string; name: string }>()
  const unlink = async ({ provider, name }: { provider: string; name: string }) => {
    await answer(api.DELETE('/v1/me/providers/{provider}', { params: { path: { provider } } }))
    await queryClient.invalidateQueries({ queryKey: waysInQuery.queryKey })
    toast(text.unlinked(name))
  }
  return (
    <Panel title={text.title}>
      <Loaded query={waysIn}>
        {({ hasPassword, providers }) => (
          <>
            {providers.length === 0 && <Text c="dimmed">{text.none}</Text>}
            {providers.map((each) => (
              <Group key={each.provider} justify="space-between">
                <Text>{each.name}</Text>
                {(hasPassword || providers.length > 1) && (
                  <Button
                    variant="default"
                    size="xs"
                    onClick={() => setLeaving(each)}
                    aria-label={text.unlinkIt(each.name)}
                  >
                    {text.unlink}
                  </Button>
                )}
              </Group>
            ))}
            {!hasPassword && providers.length === 1 && <Text c="dimmed">{text.onlyWay}</Text>}
          </>
        )}
      </Loaded>
      {leaving && (
        <Confirm
          title={text.confirm(leaving.name)}
          action={text.unlink}
          onConfirm={() => unlink(leaving)}
          onClose={() => setLeaving(undefined)}
        >
          {text.about}
        </Confirm>
      )}
    </Panel>
  )
}
