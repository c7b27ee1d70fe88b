import { Checkbox, NativeSelect, TextInput } from '@mantine/core'
import type { PageField } from '../../../server/src/pages/page-data.ts'
import { text } from '../text/fields.ts'
import { capital, words } from './words.ts'

/** A product's own fields in a form, each by what it holds. They stand in its values under `at`. */
export type FieldValues = Record<string, string | boolean>

type Form = { getInputProps: (path: string, options?: { type: 'checkbox' }) => object }

export function FieldInputs({
  fields,
  form,
  at,
  disabled = false,
}: {
  fields: PageField[]
  form: Form
  at: string
  disabled?: boolean
}) {
  return fields.map(({ name, title, hint, kind, choices, required }) => {
    const label = title ?? capital(words(name))
    const path = `${at}.${name}`
    const props = { label: required ? label : text.optional(label), description: hint ?? undefined, disabled }
    if (kind === 'boolean') {
      return <Checkbox key={name} {...props} label={label} {...form.getInputProps(path, { type: 'checkbox' })} />
    }
    if (kind === 'choice') {
      const data = [
        { value: '', label: text.choose },
        ...choices.map((value) => ({ value, label: capital(words(value)) })),
      ]
      return <NativeSelect key={name} {...props} data={data} {...form.getInputProps(path)} />
    }
    return (
      <TextInput
        key={name}
        {...props}
        {...(kind === 'number' ? { inputMode: 'decimal' } : {})}
        {...form.getInputProps(path)}
      />
    )
  })
}

/** What is known, as inputs show it. */
export const shownFields = (fields: PageField[], known: Record<string, unknown> = {}): FieldValues =>
  Object.fromEntries(
    fields.map(({ name, kind }) => {
      const value = known[name]
      return [name, kind === 'boolean' ? value === true : value === undefined || value === null ? '' : String(value)]
    }),
  )

/**
 * What inputs show, as the API takes it. What is optional and empty is left out, or taken away where it was there; what
 * is wrong goes as it is, for the server to say so at its field.
 */
export const sentFields = (fields: PageField[], values: FieldValues, known: Record<string, unknown> = {}) =>
  Object.fromEntries(
    fields.flatMap(({ name, kind, required }): [string, unknown][] => {
      const value = values[name] ?? ''
      if (value === '' && !required) return known[name] === undefined ? [] : [[name, null]]
      if (kind !== 'number' || value === '') return [[name, value]]
      const number = Number(value)
      return [[name, Number.isNaN(number) ? value : number]]
    }),
  )
