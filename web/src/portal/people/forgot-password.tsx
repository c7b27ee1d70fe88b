import { Button, Stack, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TextLink } from '../../ui/links.tsx'
import { keptNext } from '../kept-next.ts'
import { PeopleFrame } from './people-frame.tsx'

const route = getRouteApi('/forgot-password')

/** Says the same for every e-mail: whether it is known is nobody's business. */
export function ForgotPassword() {
  const { next } = route.useSearch()
  const [sentTo, setSentTo] = useState<string>()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { email: '' },
    send: (body) => answer(api.POST('/v1/password-resets', { body })),
    done: (_, { email }) => {
      keptNext.keep(next)
      setSentTo(email)
    },
  })
  const { forgot } = text
  if (sentTo !== undefined) {
    return (
      <PeopleFrame>
        <Screen key="sent" title={forgot.sent.title} about={forgot.sent.about(sentTo)}>
          <TextLink to="/sign-in" search={{ next }}>
            {forgot.back}
          </TextLink>
        </Screen>
      </PeopleFrame>
    )
  }
  return (
    <PeopleFrame>
      <Screen key="ask" title={forgot.title} about={forgot.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <TextInput label={text.email} type="email" autoComplete="username" {...form.getInputProps('email')} />
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {forgot.submit}
            </Button>
          </Stack>
        </form>
        <TextLink to="/sign-in" search={{ next }}>
          {forgot.back}
        </TextLink>
      </Screen>
    </PeopleFrame>
  )
}
