import { Button, Stack, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TextLink } from '../../ui/links.tsx'
import { session, useWelcome } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

const route = getRouteApi('/sign-in/2fa')

/** The route lets nobody in without a challenge. */
export function TwoFactor() {
  const { next } = route.useSearch()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { code: '' },
    send: ({ code }) =>
      answer(api.POST('/v1/login/two-factor', { body: { challenge: session.challenge ?? '', code } })),
    done: useWelcome(next),
  })
  return (
    <PeopleFrame>
      <Screen title={text.twoFactor.title} about={text.twoFactor.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <TextInput
              label={text.twoFactor.code}
              autoComplete="one-time-code"
              spellCheck={false}
              {...form.getInputProps('code')}
            />
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {text.twoFactor.submit}
            </Button>
          </Stack>
        </form>
        <TextLink to="/sign-in">{text.twoFactor.startAgain}</TextLink>
      </Screen>
    </PeopleFrame>
  )
}
