import { Alert, Button, Group, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { FormError } from '../../ui/form.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { businessKey } from '../data.ts'
import { BusinessLink } from '../list/business-link.tsx'
import { everywhereKey, sessionsQuery } from '../lists.ts'

const { support: text } = actions

/** Above every screen while one has a support session of one's own: whose account is open, why, and until when. */
export function LookingIn({ userId }: { userId: string }) {
  const queryClient = useQueryClient()
  // It ends by itself, or the customer ends it, while one looks.
  const active = useInfiniteQuery({ ...sessionsQuery({ status: 'active' }), refetchInterval: 30_000 })
  const end = useMutation({
    mutationFn: ({ id }: { id: string; businessId: string }) =>
      answer(api.DELETE('/v1/staff/support-sessions/{id}', { params: { path: { id } } })),
    onSuccess: async (_, { businessId }) => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: everywhereKey }),
        queryClient.invalidateQueries({ queryKey: businessKey(businessId) }),
      ])
      toast(text.ended)
    },
  })
  const mine = active.data?.filter(({ by }) => by.id === userId) ?? []
  return mine.map(({ id, business, access, reason, expiresAt }) => (
    <Alert key={id} color="warning" mb="lg" py="xs">
      <Group justify="space-between">
        <div>
          <Text fw={600} c="var(--freehold-warning)" span>
            {text.banner(business.name, text.accesses[access].toLowerCase())}
          </Text>{' '}
          <Text span>
            ({reason}). {text.until} {expiresAt !== null && <When at={expiresAt} />}.
          </Text>
        </div>
        <Group gap="xs">
          <BusinessLink of={business} tab="support" />
          <Button
            size="xs"
            variant="default"
            loading={end.isPending}
            onClick={() => end.mutate({ id, businessId: business.id })}
          >
            {text.end}
          </Button>
        </Group>
      </Group>
      <FormError error={end.error ?? undefined} />
    </Alert>
  ))
}
