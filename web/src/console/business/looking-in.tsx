import { Alert, Button, Group, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { FormError } from '../../ui/form.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { businessKey, meQuery } from '../data.ts'

const { support: text } = actions

/** Above every tab while one has a support session of one's own in this business. */
export function LookingIn({ business: { id, supportSessions } }: { business: Schemas['StaffBusinessPage'] }) {
  const me = useQuery(meQuery)
  const queryClient = useQueryClient()
  const end = useMutation({
    mutationFn: (sessionId: string) =>
      answer(api.DELETE('/v1/staff/support-sessions/{id}', { params: { path: { id: sessionId } } })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: businessKey(id) })
      toast(text.ended)
    },
  })
  const mine = supportSessions.filter(({ by, status }) => by.id === me.data?.user.id && status === 'active')
  return mine.map((session) => (
    <Alert key={session.id} color="warning" title={text.banner(text.accesses[session.access].toLowerCase())}>
      <Group justify="space-between">
        <Text>
          {session.reason}. {text.until} {session.expiresAt !== null && <When at={session.expiresAt} />}
        </Text>
        <Button size="xs" variant="default" loading={end.isPending} onClick={() => end.mutate(session.id)}>
          {text.end}
        </Button>
      </Group>
      <FormError error={end.error ?? undefined} />
    </Alert>
  ))
}
