import { Button, Group, TextInput } from '@mantine/core'

/** What is looked for in a list, with the button beside it that sends it. */
export function SearchField(props: {
  label: string
  placeholder?: string
  value: string
  onChange: (value: string) => void
  submit: string
}) {
  const { onChange, submit, ...field } = props
  return (
    <Group align="flex-end" gap="sm" wrap="nowrap" flex="1 1 20rem" maw={480}>
      <TextInput type="search" flex={1} {...field} onChange={(event) => onChange(event.currentTarget.value)} />
      <Button type="submit">{submit}</Button>
    </Group>
  )
}
