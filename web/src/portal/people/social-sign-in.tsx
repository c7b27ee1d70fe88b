import { Group } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { answer, api, Refusal, type Schemas } from '../../api.ts'
import { text } from '../../text/people.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { Rows } from '../../ui/loaded.tsx'
import { page } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { arrivedWith } from '../arrival.ts'
import { safeNext } from '../next.ts'
import { NotFound } from '../not-found.tsx'
import { providerAnswer } from '../provider-answer.ts'
import { session, useWelcomeTo } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

const route = getRouteApi('/sign-in/$provider')

/** Where a provider leads back to. Its answer is sent at once: without this browser's own cookie it is good for nothing. */
export function SocialSignIn() {
  const { provider } = route.useParams()
  const name = page.socialSignIn.find(({ id }) => id === provider)?.name
  return name === undefined ? <NotFound /> : <Answered provider={provider} name={name} />
}

function Answered({ provider, name }: { provider: string; name: string }) {
  const goOn = useGoOn()
  const { mutate, error } = useMutation({
    mutationFn: (body: { code: string; state: string }) =>
      answer(api.POST('/v1/login/social/{provider}/callback', { params: { path: { provider } }, body })),
    onSuccess: goOn,
  })
  const [given] = useState(providerAnswer.given)
  useEffect(() => {
    // Once, however often this is shown: it is good for one use.
    if (given === undefined || providerAnswer.given !== given) return
    providerAnswer.given = undefined
    mutate(given)
  }, [given, mutate])
  const { social } = text
  if (error === null && given !== undefined) {
    return (
      <PeopleFrame>
        <Screen key="waiting" title={social.waiting(name)}>
          <Rows count={1} height={36} />
        </Screen>
      </PeopleFrame>
    )
  }
  const isUnproved = error instanceof Refusal && error.code === 'account_unverified'
  return (
    <PeopleFrame>
      <Screen
        key="failed"
        title={social.failed(name)}
        about={error?.message ?? (providerAnswer.isDenied ? social.denied : social.incomplete(name))}
      >
        <Group gap="xs">
          {isUnproved && <ButtonLink to="/forgot-password">{social.toReset}</ButtonLink>}
          <ButtonLink to="/sign-in" variant={isUnproved ? 'default' : 'filled'}>
            {social.back}
          </ButtonLink>
        </Group>
      </Screen>
    </PeopleFrame>
  )
}

/** In, to the second factor, or to where somebody new finishes: with a business, or with the invitation they came by. */
function useGoOn() {
  const welcome = useWelcomeTo()
  const navigate = useNavigate()
  return ({ pendingToken, identity, next, invitationToken, ...signedIn }: Schemas['SocialSignIn']) => {
    if (invitationToken !== undefined) arrivedWith.comeBack(invitationToken)
    if (pendingToken === undefined || identity === undefined) {
      return welcome(signedIn, invitationToken === undefined ? next : '/join')
    }
    session.pending = { ...identity, token: pendingToken }
    if (invitationToken !== undefined) return navigate({ to: '/join' })
    return navigate({ to: '/sign-up', search: { next: safeNext(next, location.origin) } })
  }
}
