import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { page, product } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { ButtonLink, TextLink } from '../../ui/links.tsx'
import { keptNext } from '../kept-next.ts'
import { session, useEnter, type PendingIdentity } from '../session.ts'
import { asIntroduced } from './introduced.ts'
import { NameFields } from './name-fields.tsx'
import { PeopleFrame } from './people-frame.tsx'
import { SocialButtons } from './social-buttons.tsx'

const route = getRouteApi('/sign-up')
const asked = product.fields.business

export function SignUp() {
  const { next } = route.useSearch()
  const [mailedTo, setMailedTo] = useState<string>()
  const { mode } = product.signup
  if (mode !== 'open') return <Said {...(mode === 'invite' ? text.signUp.invited : text.signUp.closed)} next={next} />
  if (mailedTo === undefined) return <SignUpForm introduced={session.pending} next={next} onMailed={setMailedTo} />
  return <Said title={text.signUp.checkMail.title} about={text.signUp.checkMail.about(mailedTo)} next={next} />
}

/** Of somebody whom a provider has introduced it asks for what is left. */
function SignUpForm({
  introduced,
  next,
  onMailed,
}: {
  introduced: PendingIdentity | undefined
  next: string | undefined
  onMailed: (email: string) => void
}) {
  const enter = useEnter()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: {
      firstName: introduced?.firstName ?? '',
      lastName: introduced?.lastName ?? '',
      email: introduced?.email ?? '',
      password: '',
      business: { name: '', fields: shownFields(asked) },
    },
    send: ({ business: { name, fields }, ...person }) => {
      const business = { name, fields: sentFields(asked, fields) }
      return answer(
        api.POST('/v1/signup', { body: { ...(introduced ? asIntroduced(introduced, person) : person), business } }),
      )
    },
    done: (signedUp, { email }) => {
      if ('token' in signedUp) return enter(next, signedUp.business.id)
      // Where e-mails are verified first, nobody is in yet: the link in the mail goes on from here.
      keptNext.keep(next)
      return onMailed(email)
    },
  })
  const { title, about } = introduced ? text.finish : text.signUp
  return (
    <PeopleFrame>
      <Screen title={title} about={about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <NameFields form={form} />
            {introduced ? (
              <TextInput
                label={text.email}
                description={text.social.emailFrom(providerName(introduced.provider))}
                value={introduced.email}
                readOnly
                autoComplete="username"
              />
            ) : (
              <>
                <TextInput label={text.email} type="email" autoComplete="username" {...form.getInputProps('email')} />
                <PasswordInput
                  label={text.password}
                  description={text.passwordHint}
                  autoComplete="new-password"
                  {...form.getInputProps('password')}
                />
              </>
            )}
            <TextInput
              label={text.signUp.businessName}
              autoComplete="organization"
              {...form.getInputProps('business.name')}
            />
            <FieldInputs fields={asked} form={form} at="business.fields" />
            <FormError error={error} />
            {introduced && error !== undefined && <TextLink to="/sign-in">{text.social.again}</TextLink>}
            <Button type="submit" loading={busy}>
              {text.signUp.submit}
            </Button>
          </Stack>
        </form>
        {!introduced && (
          <>
            <SocialButtons next={next} />
            <Text>
              {text.signUp.haveAccount}{' '}
              <TextLink to="/sign-in" search={{ next }}>
                {text.toSignIn}
              </TextLink>
            </Text>
          </>
        )}
      </Screen>
    </PeopleFrame>
  )
}

const providerName = (provider: string) => page.socialSignIn.find(({ id }) => id === provider)?.name ?? provider

function Said({ title, about, next }: { title: string; about: string; next: string | undefined }) {
  return (
    <PeopleFrame>
      <Screen title={title} about={about}>
        <ButtonLink to="/sign-in" search={{ next }} variant="default">
          {text.toSignIn}
        </ButtonLink>
      </Screen>
    </PeopleFrame>
  )
}
