import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { product } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { TextLink } from '../../ui/links.tsx'
import { useWelcome } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'
import { SocialButtons } from './social-buttons.tsx'

const route = getRouteApi('/sign-in')

export function SignIn() {
  const { next } = route.useSearch()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { email: '', password: '' },
    send: (body) => answer(api.POST('/v1/login', { body })),
    done: useWelcome(next),
  })
  return (
    <PeopleFrame>
      <Screen title={text.signIn.title}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <TextInput label={text.email} type="email" autoComplete="username" {...form.getInputProps('email')} />
            <PasswordInput label={text.password} autoComplete="current-password" {...form.getInputProps('password')} />
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {text.signIn.submit}
            </Button>
          </Stack>
        </form>
        <SocialButtons next={next} />
        <Stack gap="xs">
          <TextLink to="/forgot-password" search={{ next }}>
            {text.signIn.forgot}
          </TextLink>
          {product.signup.mode === 'open' && (
            <Text>
              {text.signIn.noAccount}{' '}
              <TextLink to="/sign-up" search={{ next }}>
                {text.signIn.signUp}
              </TextLink>
            </Text>
          )}
        </Stack>
      </Screen>
    </PeopleFrame>
  )
}
