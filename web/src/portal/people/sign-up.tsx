import { Button, PasswordInput, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { ButtonLink, TextLink } from '../links.tsx'
import { useSession } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

export function SignUp() {
  const navigate = useNavigate()
  const session = useSession()
  const [mailedTo, setMailedTo] = useState<string>()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { firstName: '', lastName: '', email: '', password: '', business: { name: '' } },
    send: (body) => answer(api.POST('/v1/signup', { body })),
    done: async (signedUp, { email }) => {
      // Where e-mails are verified first, nobody is in yet.
      if (!('token' in signedUp)) return setMailedTo(email)
      session.begin()
      await navigate({ to: '/b/$businessId', params: { businessId: signedUp.business.id } })
    },
  })

  if (mailedTo !== undefined) {
    return (
      <PeopleFrame>
        <Screen title={text.signUp.checkMail.title} about={text.signUp.checkMail.about(mailedTo)}>
          <ButtonLink to="/sign-in" variant="default">
            {text.signUp.signIn}
          </ButtonLink>
        </Screen>
      </PeopleFrame>
    )
  }
  return (
    <PeopleFrame>
      <Screen title={text.signUp.title} about={text.signUp.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <TextInput label={text.firstName} autoComplete="given-name" {...form.getInputProps('firstName')} />
              <TextInput label={text.lastName} autoComplete="family-name" {...form.getInputProps('lastName')} />
            </SimpleGrid>
            <TextInput label={text.email} type="email" autoComplete="email" {...form.getInputProps('email')} />
            <PasswordInput
              label={text.password}
              description={text.passwordHint}
              autoComplete="new-password"
              {...form.getInputProps('password')}
            />
            <TextInput
              label={text.signUp.businessName}
              autoComplete="organization"
              {...form.getInputProps('business.name')}
            />
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {text.signUp.submit}
            </Button>
          </Stack>
        </form>
        <Text>
          {text.signUp.haveAccount} <TextLink to="/sign-in">{text.signUp.signIn}</TextLink>
        </Text>
      </Screen>
    </PeopleFrame>
  )
}
