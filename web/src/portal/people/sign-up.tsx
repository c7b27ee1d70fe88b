import { Button, PasswordInput, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { product } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { ButtonLink, TextLink } from '../../ui/links.tsx'
import { beginSession, session } from '../session.ts'
import { FinishSignUp } from './finish-sign-up.tsx'
import { PeopleFrame } from './people-frame.tsx'
import { SocialButtons } from './social-buttons.tsx'

const asked = product.fields.business

export function SignUp() {
  const [mailedTo, setMailedTo] = useState<string>()
  const { mode } = product.signup
  if (mode !== 'open') return <Said {...(mode === 'invite' ? text.signUp.invited : text.signUp.closed)} />
  if (session.pending) return <FinishSignUp pending={session.pending} />
  if (mailedTo === undefined) return <SignUpForm onMailed={setMailedTo} />
  return <Said title={text.signUp.checkMail.title} about={text.signUp.checkMail.about(mailedTo)} />
}

function SignUpForm({ onMailed }: { onMailed: (email: string) => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: {
      firstName: '',
      lastName: '',
      email: '',
      password: '',
      business: { name: '', fields: shownFields(asked) },
    },
    send: ({ business: { name, fields }, ...person }) =>
      answer(api.POST('/v1/signup', { body: { ...person, business: { name, fields: sentFields(asked, fields) } } })),
    done: async (signedUp, { email }) => {
      // Where e-mails are verified first, nobody is in yet.
      if (!('token' in signedUp)) return onMailed(email)
      beginSession(queryClient)
      await navigate({ to: '/b/$businessId', params: { businessId: signedUp.business.id } })
    },
  })
  return (
    <PeopleFrame>
      <Screen title={text.signUp.title} about={text.signUp.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <TextInput label={text.firstName} autoComplete="given-name" {...form.getInputProps('firstName')} />
              <TextInput label={text.lastName} autoComplete="family-name" {...form.getInputProps('lastName')} />
            </SimpleGrid>
            <TextInput label={text.email} type="email" autoComplete="username" {...form.getInputProps('email')} />
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
            <FieldInputs fields={asked} form={form} at="business.fields" />
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {text.signUp.submit}
            </Button>
          </Stack>
        </form>
        <SocialButtons />
        <Text>
          {text.signUp.haveAccount} <TextLink to="/sign-in">{text.toSignIn}</TextLink>
        </Text>
      </Screen>
    </PeopleFrame>
  )
}

function Said({ title, about }: { title: string; about: string }) {
  return (
    <PeopleFrame>
      <Screen title={title} about={about}>
        <ButtonLink to="/sign-in" variant="default">
          {text.toSignIn}
        </ButtonLink>
      </Screen>
    </PeopleFrame>
  )
}
