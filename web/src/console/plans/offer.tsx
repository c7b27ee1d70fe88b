import { Button, Checkbox, Group, Stack, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as versions } from '../../text/console-versions.ts'
import { text as shared } from '../../text/shared.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { toast } from '../../ui/toast.ts'

const { offer: text } = versions

/** How a plan is offered. Who is on it stays on it. */
export function Offer({ plan, onClose }: { plan: Schemas['StaffPlanPage']; onClose: () => void }) {
  const { key, name, hidden, archived } = plan
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { name, hidden, archived, reason: '' },
    send: (body) => answer(api.PATCH('/v1/staff/plans/{key}', { params: { path: { key } }, body })),
    done: async () => {
      await queryClient.invalidateQueries({ queryKey: ['plans'] })
      toast(text.done)
      onClose()
    },
  })
  return (
    <Dialog title={text.title(name)} onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <TextInput label={text.name} data-autofocus {...form.getInputProps('name')} />
          <Checkbox label={text.hidden} {...form.getInputProps('hidden', { type: 'checkbox' })} />
          <Checkbox label={text.archived} {...form.getInputProps('archived', { type: 'checkbox' })} />
          <Textarea
            label={actions.reason}
            description={actions.reasonHint}
            autosize
            minRows={2}
            {...form.getInputProps('reason')}
          />
          <FormError error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {shared.cancel}
            </Button>
            <Button type="submit" loading={busy}>
              {text.submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
