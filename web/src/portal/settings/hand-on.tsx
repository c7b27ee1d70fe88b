import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as settings } from '../../text/settings.ts'
import { text as shared } from '../../text/shared.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { toast } from '../../ui/toast.ts'
import { membersQuery, meQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'

const { transfer: text } = settings

/** Makes somebody else the owner; oneself stays, as an admin. */
export function HandOn({ onClose }: { onClose: () => void }) {
  const { businessId } = useMembership()
  const members = useInfiniteQuery(membersQuery(businessId))
  const me = useQuery(meQuery)
  return (
    <Dialog title={text.dialog} onClose={onClose}>
      <Loaded query={members} skeleton={<Rows count={1} />}>
        {(all) => {
          const others = all.filter(({ userId, suspended }) => userId !== me.data?.user.id && !suspended)
          return others.length === 0 ? <Text>{text.nobody}</Text> : <Choice others={others} onClose={onClose} />
        }}
      </Loaded>
    </Dialog>
  )
}

function Choice({ others, onClose }: { others: Schemas['Member'][]; onClose: () => void }) {
  const { businessId } = useMembership()
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { memberId: '' },
    send: (body) =>
      answer(api.POST('/v1/businesses/{businessId}/ownership-transfer', { params: { path: { businessId } }, body })),
    done: async ({ firstName, lastName }) => {
      onClose()
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
        queryClient.invalidateQueries({ queryKey: [businessId] }),
      ])
      toast(text.done(`${firstName} ${lastName}`))
    },
  })
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <NativeSelect
          label={text.to}
          data={[
            { value: '', label: text.choose },
            ...others.map(({ id, firstName, lastName, email }) => ({
              value: id,
              label: `${firstName} ${lastName}, ${email}`,
            })),
          ]}
          {...form.getInputProps('memberId')}
        />
        <Text c="dimmed">{text.warning}</Text>
        <FormError error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {shared.cancel}
          </Button>
          <Button type="submit" color="danger" loading={busy} disabled={form.getValues().memberId === ''}>
            {text.submit}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
