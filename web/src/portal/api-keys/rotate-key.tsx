import { NativeSelect, Text } from '@mantine/core'
import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/api-keys.ts'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { useServerForm } from '../../ui/form.tsx'
import { useMembership } from '../membership.tsx'
import type { HandedOut } from './create-key.tsx'

export function RotateKey({
  apiKey,
  onRotated,
  onClose,
}: {
  apiKey: Schemas['ApiKey']
  onRotated: (key: HandedOut) => void
  onClose: () => void
}) {
  const { businessId } = useMembership()
  const { rotateDialog } = text
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { graceSeconds: '86400' },
    send: ({ graceSeconds }) =>
      answer(
        api.POST('/v1/businesses/{businessId}/api-keys/{id}/rotate', {
          params: { path: { businessId, id: apiKey.id } },
          body: { graceSeconds: Number(graceSeconds) },
        }),
      ),
    done: ({ key }) => onRotated({ key, type: apiKey.type }),
  })
  return (
    <DialogForm
      title={rotateDialog.title(apiKey.name)}
      submit={rotateDialog.submit}
      form={{ busy, error, onSubmit }}
      onClose={onClose}
    >
      <Text>{rotateDialog.about}</Text>
      <NativeSelect
        label={rotateDialog.grace}
        description={apiKey.expiresAt === null ? undefined : rotateDialog.never}
        data={Object.entries(rotateDialog.graces).map(([value, label]) => ({ value, label }))}
        {...form.getInputProps('graceSeconds')}
      />
    </DialogForm>
  )
}
