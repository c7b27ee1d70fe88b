import { SimpleGrid, TextInput } from '@mantine/core'
import { text } from '../../text/people.ts'

/** What somebody is called. */
export const NameFields = ({ form }: { form: { getInputProps: (name: 'firstName' | 'lastName') => object } }) => (
  <SimpleGrid cols={{ base: 1, xs: 2 }}>
    <TextInput label={text.firstName} autoComplete="given-name" {...form.getInputProps('firstName')} />
    <TextInput label={text.lastName} autoComplete="family-name" {...form.getInputProps('lastName')} />
  </SimpleGrid>
)
