import { Alert, Stack, Text } from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { createContext, use, type FormEvent, type ReactNode } from 'react'
import { Refusal } from '../api.ts'
import { text } from '../text/shared.ts'
import { Meter } from './meter.tsx'
import { capital, words } from './words.ts'

/**
 * A form whose answers are the server's: what is wrong with a field stands at the field, everything else above the
 * button. `send` does it, `done` goes on from there.
 */
export function useServerForm<Values extends Record<string, unknown>, Result>({
  initial,
  send,
  done,
}: {
  initial: Values
  send: (values: Values) => Promise<Result>
  done?: (result: Result, values: Values) => void | Promise<void>
}) {
  const form = useForm<Values>({ initialValues: initial })
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: send,
    onSuccess: (result, values) => done?.(result, values),
    onError: (refused) => form.setErrors(fieldErrors(refused, form)),
  })
  const others = error !== null && Object.keys(fieldErrors(error, form)).length === 0 ? error : undefined
  return {
    form,
    busy: isPending,
    error: others,
    reset,
    onSubmit: (event: FormEvent) => {
      event.preventDefault()
      if (!isPending) mutate(form.getValues())
    },
  }
}

function fieldErrors<Values extends Record<string, unknown>>(error: Error, form: UseFormReturnType<Values>) {
  const fields = error instanceof Refusal ? error.errors : []
  return Object.fromEntries(
    fields.flatMap(({ path, message }) => {
      const name = path.replace(/^body\//, '').replaceAll('/', '.')
      return form.getInputNode(name) !== null || has(form.getValues(), name) ? [[name, sentence(message)]] : []
    }),
  )
}

/** A group of fields is none: what is wrong with it would stand nowhere. */
function has(values: Record<string, unknown>, name: string): boolean {
  const value = name
    .split('.')
    .reduce<unknown>((group, part) => (group as Record<string, unknown> | undefined)?.[part], values)
  return value !== undefined && (typeof value !== 'object' || value === null)
}

const sentence = (message: string) => text.fieldError(message)

/** What leads on from a limit that is reached, wherever one meets it. */
const LimitRemedyContext = createContext<ReactNode>(null)
export const LimitRemedy = LimitRemedyContext.Provider

/** Why it did not work, where one looks after pressing the button. Of a limit, how far it is used up. */
export function FormError({ error }: { error: Error | undefined }) {
  const remedy = use(LimitRemedyContext)
  if (!error) return null
  const limit = error instanceof Refusal ? reachedLimit(error) : undefined
  if (limit) {
    return (
      <Alert color="warning" role="alert" title={error.message}>
        <Stack gap="xs" align="stretch">
          <Meter label={capital(words(limit.feature))} standing={limit} />
          {remedy}
        </Stack>
      </Alert>
    )
  }
  return (
    <Alert color="danger" role="alert" title={error.message}>
      {error instanceof Refusal && error.requestId !== undefined && (
        <Text size="xs" c="dimmed" ff="monospace">
          {text.requestId(error.requestId)}
        </Text>
      )}
    </Alert>
  )
}

function reachedLimit({ code, more }: Refusal) {
  const { feature, limit, used, remaining, resetsAt } = more as Partial<Record<string, string | number | null>>
  if (code !== 'limit_reached' || typeof feature !== 'string' || typeof used !== 'number') return undefined
  if (typeof limit !== 'number' || typeof remaining !== 'number') return undefined
  return { feature, limit, used, remaining, resetsAt: typeof resetsAt === 'string' ? resetsAt : null }
}
