import type { UseFormReturnType } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { useServerForm } from '../../ui/form.tsx'
import { toast } from '../../ui/toast.ts'
import { businessKey } from '../data.ts'
import { everywhereKey } from '../lists.ts'
import { Preview, type Change } from './preview.tsx'
import { Reason } from './reason.tsx'

type Reasoned<Values> = Values & { reason: string }

/**
 * Something staff do, mostly to a business: its fields, a reason, and what it will mean before it is done. Stays, and says why,
 * when the server refuses. `headers` make a repeat of the same dialog count once.
 */
export function ActionDialog<Values extends Record<string, unknown>>(props: {
  /** None where it concerns no single one. */
  businessId?: string
  title: string
  submit: string
  danger?: boolean
  initial: Values
  fields?: (form: UseFormReturnType<Reasoned<Values>>) => ReactNode
  /** What changes, as far as it can be told from what is on the screen. */
  changes?: (values: Reasoned<Values>) => Change[]
  send: (values: Reasoned<Values>, headers: { 'idempotency-key': string }) => Promise<unknown>
  said: (values: Reasoned<Values>) => string
  /** For what says by itself why it is done. */
  reasonless?: boolean
  /** What comes of it is shown in its place. */
  stays?: boolean
  onClose: () => void
}) {
  const {
    businessId,
    title,
    submit,
    danger = false,
    initial,
    fields,
    changes,
    send,
    said,
    stays = false,
    reasonless = false,
    onClose,
  } = props
  const queryClient = useQueryClient()
  const [key] = useState(newKey)
  const { form, busy, error, onSubmit } = useServerForm<Reasoned<Values>, unknown>({
    initial: { ...initial, reason: '' },
    send: (values) => send(values, { 'idempotency-key': key }),
    done: async (_, values) => {
      void queryClient.invalidateQueries({ queryKey: everywhereKey })
      if (businessId !== undefined) await queryClient.invalidateQueries({ queryKey: businessKey(businessId) })
      toast(said(values))
      if (!stays) onClose()
    },
  })
  return (
    <DialogForm title={title} submit={submit} danger={danger} form={{ busy, error, onSubmit }} onClose={onClose}>
      {fields?.(form)}
      {changes && <Preview changes={changes(form.values)} />}
      {!reasonless && <Reason {...form.getInputProps('reason')} />}
    </DialogForm>
  )
}

/** Random enough for one dialog; `crypto.randomUUID` is not there without TLS. */
export const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('')
