import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, Refusal } from '../../api.ts'
import { text } from '../../text/join.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { arrivedWith } from '../arrival.ts'
import { meQuery } from '../data.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { asIntroduced } from '../people/introduced.ts'
import { NameFields } from '../people/name-fields.tsx'
import { PeopleFrame } from '../people/people-frame.tsx'
import { SocialButtons } from '../people/social-buttons.tsx'
import { session, switchUser, useEnter, type PendingIdentity } from '../session.ts'
import { Ended, endings, heading, unless, type Invited, type Place } from './invitation.tsx'

/**
 * Where a mailed invitation leads. Looking at it uses nothing up, so that scanners of mail do no harm; who may press Join
 * depends on who is signed in.
 */
export function Join() {
  const { token } = arrivedWith
  return <PeopleFrame>{token === undefined ? <Invalid /> : <Invitation token={token} />}</PeopleFrame>
}

const invitationQuery = (token: string) =>
  queryOptions({
    // The token stays out of what is kept: this page knows one invitation.
    queryKey: ['invitation'],
    queryFn: async (): Promise<Invited | Refusal> =>
      answer(api.POST('/v1/invitations/lookup', { body: { token } })).catch((error: unknown) => {
        if (error instanceof Refusal && endings.has(error.code)) return error
        throw error
      }),
    staleTime: 0,
  })

function Invitation({ token }: { token: string }) {
  const invitation = useQuery(invitationQuery(token))
  const [isSignedIn, setSignedIn] = useState(session.signedIn)
  const me = useQuery({ ...meQuery, enabled: isSignedIn })
  return (
    <Loaded query={invitation}>
      {(invited) => {
        if (invited instanceof Refusal) return <Ended refusal={invited} />
        const place = { token, invited }
        if (!isSignedIn) return <JoinAsNobody {...place} />
        return (
          <Loaded query={me}>
            {({ user }) =>
              user.email === invited.email ? (
                <JoinAsMe {...place} />
              ) : (
                <JoinAsOther {...place} mine={user.email} onSwitched={() => setSignedIn(false)} />
              )
            }
          </Loaded>
        )
      }}
    </Loaded>
  )
}

const Invalid = () => <Screen title={text.invalid.title} about={text.invalid.about} />

function JoinAsNobody(place: Place) {
  const { pending } = session
  if (pending?.email === place.invited.email) return <JoinAsNew {...place} introduced={pending} />
  return place.invited.accountExists ? <SignInFirst {...place} /> : <JoinAsNew {...place} introduced={undefined} />
}

/** As the person whom a provider has introduced, or by a password. */
function JoinAsNew({ token, invited, introduced }: Place & { introduced: PendingIdentity | undefined }) {
  const enter = useEnter()
  const [ended, setEnded] = useState<Refusal>()
  const { form, busy, error, onSubmit } = useServerForm({
    initial: { firstName: introduced?.firstName ?? '', lastName: introduced?.lastName ?? '', password: '' },
    send: (person) =>
      answer(
        api.POST('/v1/signup', {
          body: { ...(introduced ? asIntroduced(introduced, person) : person), invitationToken: token },
        }),
      ).catch(unless(setEnded)),
    done: (joined) => {
      if (joined === undefined || !('token' in joined)) return undefined
      arrivedWith.forget()
      return enter(undefined, joined.business.id)
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
          <NameFields form={form} />
          {!introduced && (
            <PasswordInput
              label={text.password}
              description={text.passwordHint}
              autoComplete="new-password"
              {...form.getInputProps('password')}
            />
          )}
          <FormError error={error} />
          <Button type="submit" loading={busy}>
            {text.submit}
          </Button>
        </Stack>
      </form>
      {!introduced && (
        <>
          <IntroducedAsOther />
          <SocialButtons invitationToken={token} />
        </>
      )}
    </Screen>
  )
}

/** Somebody came back from a provider with another e-mail than the invited one. */
const IntroducedAsOther = () =>
  session.pending && <Alert color="warning" role="status" title={text.introducedAsOther(session.pending.email)} />

function SignInFirst({ token, invited }: Place) {
  return (
    <Screen {...heading(invited)}>
      <Text>{text.signInFirst(invited.email)}</Text>
      <ButtonLink to="/sign-in" search={{ next: '/join' }}>
        {text.signIn}
      </ButtonLink>
      <IntroducedAsOther />
      <SocialButtons invitationToken={token} />
    </Screen>
  )
}

function JoinAsMe({ token, invited }: Place) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [ended, setEnded] = useState<Refusal>()
  const { busy, error, onSubmit } = useServerForm({
    initial: {},
    send: () => answer(api.POST('/v1/invitations/accept', { body: { token } })).catch(unless(setEnded)),
    done: async (joined) => {
      if (joined === undefined) return
      arrivedWith.forget()
      await queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
      await navigate({ to: '/b/$businessId', params: { businessId: joined.business.id } })
    },
  })
  if (ended) return <Ended refusal={ended} />
  return (
    <Screen {...heading(invited)}>
      <form onSubmit={onSubmit}>
        <Stack>
          <TextInput label={text.email} description={text.emailHint} value={invited.email} readOnly />
          <FormError error={error} />
          <Button type="submit" loading={busy}>
            {text.submit}
          </Button>
        </Stack>
      </form>
    </Screen>
  )
}

function JoinAsOther({ invited, mine, onSwitched }: Place & { mine: string; onSwitched: () => void }) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { busy, error, onSubmit } = useServerForm({
    initial: {},
    send: () => switchUser(queryClient),
    done: () => (invited.accountExists ? navigate({ to: '/sign-in', search: { next: '/join' } }) : onSwitched()),
  })
  return (
    <Screen {...heading(invited)}>
      <Text>{text.other.about(mine, invited.email)}</Text>
      <form onSubmit={onSubmit}>
        <Stack>
          <FormError error={error} />
          <Group gap="xs">
            <Button type="submit" loading={busy}>
              {text.other.switch}
            </Button>
            <ButtonLink to="/businesses" variant="default">
              {text.other.stay}
            </ButtonLink>
          </Group>
        </Stack>
      </form>
    </Screen>
  )
}
