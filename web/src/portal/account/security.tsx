import { Button, Group, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { text as account } from '../../text/account.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { page } from '../../ui/page.ts'
import { Panel } from '../../ui/panel.tsx'
import { Screen } from '../../ui/screen.tsx'
import { toast } from '../../ui/toast.ts'
import { meQuery } from '../data.ts'
import { ProvidersPanel, waysInQuery } from './providers-panel.tsx'
import { TwoFactorPanel } from './two-factor-panel.tsx'

const { security: text } = account

/** How one proves that it is oneself. */
export function Security() {
  const me = useQuery(meQuery)
  const hasPassword = useQuery(waysInQuery).data?.hasPassword ?? true
  return (
    <Screen title={text.title} about={text.about}>
      <Loaded query={me} skeleton={<Rows count={2} height={160} />}>
        {({ user }) => (
          <>
            {hasPassword ? <Password /> : <NoPassword />}
            {page.socialSignIn.length > 0 && <ProvidersPanel />}
            <TwoFactorPanel isOn={user.twoFactorEnabled} />
          </>
        )}
      </Loaded>
    </Screen>
  )
}

/** Whoever has only ever come by a provider. */
const NoPassword = () => (
  <Panel title={account.password}>
    <Text>{account.noPassword.about}</Text>
    <Group>
      <ButtonLink to="/forgot-password" variant="default">
        {account.noPassword.action}
      </ButtonLink>
    </Group>
  </Panel>
)

function Password() {
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { currentPassword: '', password: '' },
    send: (body) => answer(api.PUT('/v1/me/password', { body })),
    done: () => {
      form.reset()
      toast(text.changed)
    },
  })
  return (
    <Panel title={account.password}>
      <form onSubmit={onSubmit} noValidate>
        <TextInput
          label={text.current}
          type="password"
          autoComplete="current-password"
          mb="md"
          {...form.getInputProps('currentPassword')}
        />
        <TextInput
          label={text.new}
          description={text.hint}
          type="password"
          autoComplete="new-password"
          mb="md"
          {...form.getInputProps('password')}
        />
        <Text c="dimmed" mb="md">
          {text.ends}
        </Text>
        <FormError error={error} />
        <Group>
          <Button type="submit" loading={busy}>
            {text.submit}
          </Button>
        </Group>
      </form>
    </Panel>
  )
}
