import { NativeSelect, TextInput } from '@mantine/core'
import { answer, api } from '../../api.ts'
import { text } from '../../text/api-keys.ts'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { useServerForm } from '../../ui/form.tsx'
import { now, product } from '../../ui/page.ts'
import { useMembership } from '../membership.tsx'

export type HandedOut = { key: string; type: string }

export function CreateKey({ onCreated, onClose }: { onCreated: (key: HandedOut) => void; onClose: () => void }) {
  const { businessId, can } = useMembership()
  // Nobody makes a key that may do more than they may.
  const types = Object.entries(product.keyTypes).filter(([, { permissions }]) => permissions.every(can))
  const { createDialog } = text
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { name: '', type: types[0]?.[0] ?? '', expiresInDays: 'never' },
    send: ({ name, type, expiresInDays }) =>
      answer(
        api.POST('/v1/businesses/{businessId}/api-keys', {
          params: { path: { businessId } },
          body: { name, type, ...(expiresInDays === 'never' ? {} : { expiresAt: inDays(Number(expiresInDays)) }) },
        }),
      ),
    done: ({ apiKey, key }) => onCreated({ key, type: apiKey.type }),
  })
  const chosen = product.keyTypes[form.values.type]
  return (
    <DialogForm
      title={createDialog.title}
      submit={createDialog.submit}
      form={{ busy, error, onSubmit }}
      onClose={onClose}
    >
      <TextInput
        label={text.name}
        placeholder={createDialog.namePlaceholder}
        data-autofocus
        {...form.getInputProps('name')}
      />
      <NativeSelect
        label={text.type}
        description={chosen?.publishable ? text.publishable : text.secret}
        data={types.map(([type]) => type)}
        {...form.getInputProps('type')}
      />
      <NativeSelect
        label={createDialog.expires}
        data={['never', '30', '90', '365'].map((value) => ({
          value,
          label: createDialog.expiry[value as keyof typeof createDialog.expiry],
        }))}
        {...form.getInputProps('expiresInDays')}
      />
    </DialogForm>
  )
}

const inDays = (days: number) => new Date(now().getTime() + days * 86_400_000).toISOString()
