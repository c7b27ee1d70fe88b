import { Button, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Refusal } from '../../api.ts'
import { text } from '../../text/join.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { arrivedWith } from '../arrival.ts'
import { beginSession, type PendingIdentity } from '../session.ts'
import { Ended, heading, unless, type Place } from './invitation.tsx'

/** Joins as the person whom a provider has introduced, and who was invited by that e-mail. */
export function JoinAsIntroduced({ token, invited, pending }: Place & { pending: PendingIdentity }) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [ended, setEnded] = useState<Refusal>()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { firstName: pending.firstName, lastName: pending.lastName },
    send: ({ firstName, lastName }) =>
      answer(
        api.POST('/v1/signup', {
          body: {
            pendingToken: pending.token,
            invitationToken: token,
            firstName,
            ...(lastName === '' ? {} : { lastName }),
          },
        }),
      ).catch(unless(setEnded)),
    done: async (joined) => {
      if (joined === undefined || !('token' in joined)) return
      arrivedWith.forget()
      beginSession(queryClient)
      await navigate({ to: '/b/$businessId', params: { businessId: joined.business.id } })
    },
  })
  if (ended) return <Ended refusal={ended} />
  return (
    <Screen {...heading(invited)}>
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <TextInput
            label={text.email}
            description={text.emailHint}
            value={invited.email}
            readOnly
            autoComplete="username"
          />
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput label={text.firstName} autoComplete="given-name" {...form.getInputProps('firstName')} />
            <TextInput label={text.lastName} autoComplete="family-name" {...form.getInputProps('lastName')} />
          </SimpleGrid>
          <FormError error={error} />
          <Button type="submit" loading={busy}>
            {text.submit}
          </Button>
        </Stack>
      </form>
    </Screen>
  )
}
