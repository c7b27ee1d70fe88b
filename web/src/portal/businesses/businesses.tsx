import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as business } from '../../text/business.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Empty, Loaded } from '../../ui/loaded.tsx'
import { product } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { meQuery } from '../data.ts'
import { PortalFrame } from '../frame.tsx'
import { ButtonLink } from '../../ui/links.tsx'

const { businesses: text } = business

export function Businesses() {
  const me = useQuery(meQuery)
  const [isCreating, setCreating] = useState(false)
  const create = <Button onClick={() => setCreating(true)}>{text.create}</Button>
  return (
    <PortalFrame>
      <Screen title={text.title} actions={create}>
        <Loaded query={me}>
          {({ memberships, invitations }) => (
            <>
              {memberships.length === 0 ? (
                <Empty action={<Button onClick={() => setCreating(true)}>{text.createFirst}</Button>}>
                  {text.empty}
                </Empty>
              ) : (
                <Table label={text.title} columns={columns} rows={memberships} rowKey={(each) => each.business.id} />
              )}
              {invitations.length > 0 && (
                <Stack gap="xs">
                  <Title order={2} size="h3">
                    {text.invitations}
                  </Title>
                  {invitations.map(({ id, business, role, expiresAt }) => (
                    <Text key={id}>
                      {text.invitation(business.name, role)} {text.howToJoin} {text.expires} <When at={expiresAt} />.
                    </Text>
                  ))}
                </Stack>
              )}
            </>
          )}
        </Loaded>
      </Screen>
      {isCreating && <CreateBusiness onClose={() => setCreating(false)} />}
    </PortalFrame>
  )
}

const columns: Column<Schemas['Membership']>[] = [
  {
    label: text.name,
    cell: ({ business }) => (
      <Group gap="xs" justify="inherit">
        <Text fw={600} span>
          {business.name}
        </Text>
        {business.status !== 'active' && (
          <Tag tone="warning">{business.status === 'closed' ? text.closed : text.suspended}</Tag>
        )}
      </Group>
    ),
  },
  { label: text.role, cell: ({ role }) => role },
  { label: text.plan, cell: ({ subscription }) => subscription?.plan.name ?? text.noPlan },
  {
    label: '',
    align: 'right',
    cell: ({ business }) => (
      <ButtonLink to="/b/$businessId" params={{ businessId: business.id }} variant="default" size="xs">
        {text.open}
      </ButtonLink>
    ),
  },
]

const asked = product.fields.business

function CreateBusiness({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { name: '', fields: shownFields(asked) },
    send: ({ name, fields }) =>
      answer(api.POST('/v1/businesses', { body: { name, fields: sentFields(asked, fields) } })),
    done: async ({ business }) => {
      await queryClient.invalidateQueries(meQuery)
      await navigate({ to: '/b/$businessId', params: { businessId: business.id } })
    },
  })
  return (
    <Dialog onClose={onClose} title={text.createTitle}>
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <TextInput label={text.nameLabel} data-autofocus {...form.getInputProps('name')} />
          <FieldInputs fields={asked} form={form} at="fields" />
          <FormError error={error} />
          <Button type="submit" loading={busy}>
            {text.submit}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
