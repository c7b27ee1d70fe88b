import { Button, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FieldInputs, sentFields, shownFields } from '../../ui/fields.tsx'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { TextLink } from '../../ui/links.tsx'
import { page, product } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { beginSession, type PendingIdentity } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

const asked = product.fields.business

export const providerName = (provider: string) => page.socialSignIn.find(({ id }) => id === provider)?.name ?? provider

/** What is left to ask of somebody whom a provider has introduced. */
export function FinishSignUp({ pending }: { pending: PendingIdentity }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: {
      firstName: pending.firstName,
      lastName: pending.lastName,
      business: { name: '', fields: shownFields(asked) },
    },
    send: ({ business: { name, fields }, firstName, lastName }) =>
      answer(
        api.POST('/v1/signup', {
          body: {
            pendingToken: pending.token,
            firstName,
            // Some have none, and their provider says so.
            ...(lastName === '' ? {} : { lastName }),
            business: { name, fields: sentFields(asked, fields) },
          },
        }),
      ),
    done: async (signedUp) => {
      if (!('token' in signedUp)) return
      beginSession(queryClient)
      await navigate({ to: '/b/$businessId', params: { businessId: signedUp.business.id } })
    },
  })
  return (
    <PeopleFrame>
      <Screen title={text.finish.title} about={text.finish.about}>
        <form onSubmit={onSubmit} noValidate>
          <Stack>
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <TextInput label={text.firstName} autoComplete="given-name" {...form.getInputProps('firstName')} />
              <TextInput label={text.lastName} autoComplete="family-name" {...form.getInputProps('lastName')} />
            </SimpleGrid>
            <TextInput
              label={text.email}
              description={text.social.emailFrom(providerName(pending.provider))}
              value={pending.email}
              readOnly
              autoComplete="username"
            />
            <TextInput
              label={text.signUp.businessName}
              autoComplete="organization"
              {...form.getInputProps('business.name')}
            />
            <FieldInputs fields={asked} form={form} at="business.fields" />
            <FormError error={error} />
            {error !== undefined && <TextLink to="/sign-in">{text.social.again}</TextLink>}
            <Button type="submit" loading={busy}>
              {text.signUp.submit}
            </Button>
          </Stack>
        </form>
      </Screen>
    </PeopleFrame>
  )
}
