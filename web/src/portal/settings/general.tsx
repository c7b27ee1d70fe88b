import { Button, Card, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/settings.ts'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { product } from '../../ui/page.ts'
import { toast } from '../../ui/toast.ts'
import { meQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { businessQuery } from './data.ts'

const asked = product.fields.business

/** What a business is called, here and by the product's own systems. */
export function General() {
  const { businessId } = useMembership()
  const business = useQuery(businessQuery(businessId))
  return (
    <Card withBorder component="section" aria-labelledby="general">
      <Title order={2} size="h3" id="general" mb="md">
        {text.general}
      </Title>
      <Loaded query={business} skeleton={<Rows count={2} height={64} />}>
        {(known) => <Form key={JSON.stringify(known)} business={known} />}
      </Loaded>
    </Card>
  )
}

function Form({ business }: { business: Schemas['Business'] }) {
  const { businessId, can, bar } = useMembership()
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: {
      name: business.name,
      externalId: business.externalId ?? '',
      fields: shownFields(asked, business.fields),
    },
    send: ({ name, externalId, fields }) =>
      answer(
        api.PATCH('/v1/businesses/{businessId}', {
          params: { path: { businessId } },
          body: {
            name,
            externalId: externalId === '' ? null : externalId,
            fields: sentFields(asked, fields, business.fields),
          },
        }),
      ),
    done: async (saved) => {
      queryClient.setQueryData(businessQuery(businessId).queryKey, saved)
      await queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
      toast(text.saved)
    },
  })
  const mayChange = can('business:update') && bar === undefined
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack maw={480}>
        <TextInput label={text.name} maxLength={120} disabled={!mayChange} {...form.getInputProps('name')} />
        <TextInput
          label={text.externalId}
          description={text.externalIdHint}
          maxLength={200}
          disabled={!mayChange}
          {...form.getInputProps('externalId')}
        />
        <FieldInputs fields={asked} form={form} at="fields" disabled={!mayChange} />
        <Text size="sm" c="dimmed">
          {text.id}: <code>{business.id}</code>
        </Text>
        <FormError error={error} />
        {mayChange ? (
          <Group>
            <Button type="submit" loading={busy} disabled={!form.isDirty()}>
              {text.save}
            </Button>
          </Group>
        ) : (
          bar !== undefined && <Text c="dimmed">{bar}</Text>
        )}
      </Stack>
    </form>
  )
}
