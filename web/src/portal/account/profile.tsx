import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/account.ts'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { product } from '../../ui/page.ts'
import { Panel } from '../../ui/panel.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Tag } from '../../ui/tag.tsx'
import { toast } from '../../ui/toast.ts'
import { meQuery } from '../data.ts'

type User = Schemas['User']

/** How one appears to others, and where mail goes. */
export function Profile() {
  const me = useQuery(meQuery)
  return (
    <Screen title={text.profile.title} about={text.profile.about}>
      <Loaded query={me} skeleton={<Rows count={2} height={160} />}>
        {({ user }) => (
          <>
            <Name key={JSON.stringify(user)} user={user} />
            <Email user={user} />
          </>
        )}
      </Loaded>
    </Screen>
  )
}

const asked = product.fields.user

function Name({ user }: { user: User }) {
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { firstName: user.firstName, lastName: user.lastName, fields: shownFields(asked, user.fields) },
    send: ({ fields, ...names }) =>
      answer(api.PATCH('/v1/me', { body: { ...names, fields: sentFields(asked, fields, user.fields) } })),
    done: async () => {
      await queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
      toast(text.saved)
    },
  })
  return (
    <Panel title={text.profile.name}>
      <form onSubmit={onSubmit} noValidate>
        <TextInput
          label={text.profile.firstName}
          autoComplete="given-name"
          mb="md"
          {...form.getInputProps('firstName')}
        />
        <TextInput
          label={text.profile.lastName}
          autoComplete="family-name"
          mb="md"
          {...form.getInputProps('lastName')}
        />
        {asked.length > 0 && (
          <Stack mb="md">
            <FieldInputs fields={asked} form={form} at="fields" />
          </Stack>
        )}
        <FormError error={error} />
        <Group>
          <Button type="submit" loading={busy} disabled={!form.isDirty()}>
            {text.save}
          </Button>
        </Group>
      </form>
    </Panel>
  )
}

function Email({ user: { email, emailVerified } }: { user: User }) {
  const [isChanging, setChanging] = useState(false)
  const mark = (
    <Tag tone={emailVerified ? 'success' : 'warning'}>
      {emailVerified ? text.email.confirmed : text.email.unconfirmed}
    </Tag>
  )
  return (
    <Panel title={text.email.title} mark={mark}>
      <Text style={{ overflowWrap: 'anywhere' }}>{email}</Text>
      {!emailVerified && <Text c="dimmed">{text.email.unconfirmedAbout}</Text>}
      <Group>
        <Button variant="default" onClick={() => setChanging(true)}>
          {text.email.change}
        </Button>
      </Group>
      {isChanging && <ChangeEmail onClose={() => setChanging(false)} />}
    </Panel>
  )
}

/** With the password, so that nobody takes over an account that was left open; it changes when the link is opened. */
function ChangeEmail({ onClose }: { onClose: () => void }) {
  const { dialog } = text.email
  const { form, ...rest } = useServerForm({
    initial: { email: '', password: '' },
    send: (body) => answer(api.POST('/v1/me/email-changes', { body })),
    done: (_, { email }) => {
      onClose()
      toast(dialog.sent(email))
    },
  })
  return (
    <DialogForm title={dialog.title} submit={dialog.submit} form={rest} onClose={onClose}>
      <Text>{dialog.about}</Text>
      <TextInput label={dialog.email} type="email" autoComplete="email" {...form.getInputProps('email')} />
      <TextInput
        label={text.password}
        type="password"
        autoComplete="current-password"
        {...form.getInputProps('password')}
      />
    </DialogForm>
  )
}
