import { NativeSelect } from '@mantine/core'
import { text } from '../../text/console-lists.ts'

/** One of some, or any; what is chosen goes into the address. */
export function Choice<Value extends string>(props: {
  label: string
  w?: number
  any?: string
  value: Value | undefined
  options: Readonly<Partial<Record<Value, string>>>
  onChange: (value: Value | undefined) => void
}) {
  const { label, w, any = text.any, value, options, onChange } = props
  return (
    <NativeSelect
      label={label}
      {...(w === undefined ? {} : { w })}
      value={value ?? ''}
      data={[
        { value: '', label: any },
        ...Object.entries<string | undefined>(options).map(([each, name]) => ({ value: each, label: name ?? each })),
      ]}
      onChange={({ currentTarget }) =>
        onChange(currentTarget.value === '' ? undefined : (currentTarget.value as Value))
      }
    />
  )
}
