import { Button, PasswordInput, Stack } from '@mantine/core'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { arrivedWith } from '../arrival.ts'
import { ButtonLink, TextLink } from '../../ui/links.tsx'
import { keptNext } from '../kept-next.ts'
import { useWelcomeTo } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

export function ResetPassword() {
  const { token } = arrivedWith
  const welcome = useWelcomeTo()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { password: '' },
    send: ({ password }) => answer(api.POST('/v1/password-resets/confirm', { body: { token: token ?? '', password } })),
    done: (answered) => {
      arrivedWith.forget()
      return welcome(answered, keptNext.take())
    },
  })
  const { reset } = text
  if (token === undefined) {
    return (
      <PeopleFrame>
        <Screen title={reset.noToken.title} about={reset.noToken.about}>
          <ButtonLink to="/forgot-password">{reset.noToken.action}</ButtonLink>
        </Screen>
      </PeopleFrame>
    )
  }
  return (
    <PeopleFrame>
      <Screen title={reset.title} about={reset.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <PasswordInput
              label={text.newPassword}
              description={text.passwordHint}
              autoComplete="new-password"
              {...form.getInputProps('password')}
            />
            <FormError error={error} />
            {error !== undefined && <TextLink to="/forgot-password">{reset.noToken.action}</TextLink>}
            <Button type="submit" loading={busy}>
              {reset.submit}
            </Button>
          </Stack>
        </form>
      </Screen>
    </PeopleFrame>
  )
}
