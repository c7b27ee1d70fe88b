import { Button, Group, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { text } from '../text/shared.ts'
import { Dialog } from './dialog.tsx'
import { FormError } from './form.tsx'

/** A form of its own in a dialog: its inputs, why it did not work, and the two ways out. */
export function DialogForm({
  title,
  submit,
  danger = false,
  form: { busy, error, onSubmit },
  onClose,
  children,
}: {
  title: string
  submit: string
  danger?: boolean
  form: { busy: boolean; error: Error | undefined; onSubmit: (event: FormEvent) => void }
  onClose: () => void
  children: ReactNode
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          {children}
          <FormError error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {text.cancel}
            </Button>
            <Button type="submit" color={danger ? 'danger' : 'accent'} loading={busy}>
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
