import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { text } from '../text/shared.ts'
import { Dialog } from './dialog.tsx'
import { FormError } from './form.tsx'

/**
 * Asks once more before what is not easily undone. For what cannot be undone at all, `word` has to be typed. Stays, and
 * says why, when it does not work.
 */
export function Confirm({
  title,
  children,
  action,
  danger = false,
  word,
  onConfirm,
  onClose,
}: {
  title: string
  children?: ReactNode
  action: string
  danger?: boolean
  word?: string
  onConfirm: () => Promise<unknown>
  onClose: () => void
}) {
  const [typed, setTyped] = useState('')
  const { mutate, isPending, error } = useMutation({ mutationFn: onConfirm, onSuccess: onClose })
  const isReady = word === undefined || typed.trim() === word
  return (
    <Dialog onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady && !isPending) mutate()
        }}
      >
        <Stack>
          {typeof children === 'string' ? <Text>{children}</Text> : children}
          {word !== undefined && (
            <TextInput
              label={text.typeToConfirm(word)}
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          <FormError error={error ?? undefined} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {text.cancel}
            </Button>
            <Button type="submit" color={danger ? 'danger' : 'accent'} disabled={!isReady} loading={isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
