import { Checkbox, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as versions } from '../../text/console-versions.ts'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { useServerForm } from '../../ui/form.tsx'
import { toast } from '../../ui/toast.ts'
import { Reason } from '../actions/reason.tsx'

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
    <DialogForm title={text.title(name)} submit={text.submit} form={{ busy, error, onSubmit }} onClose={onClose}>
      <TextInput label={text.name} data-autofocus {...form.getInputProps('name')} />
      <Checkbox label={text.hidden} {...form.getInputProps('hidden', { type: 'checkbox' })} />
      <Checkbox label={text.archived} {...form.getInputProps('archived', { type: 'checkbox' })} />
      <Reason {...form.getInputProps('reason')} />
    </DialogForm>
  )
}
