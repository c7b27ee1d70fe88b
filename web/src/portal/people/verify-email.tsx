import { Button, Stack } from '@mantine/core'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { Screen } from '../../ui/screen.tsx'
import { arrivedWith } from '../arrival.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { keptNext } from '../kept-next.ts'
import { useEnter } from '../session.ts'
import { PeopleFrame } from './people-frame.tsx'

/** Waits for a press: scanners of mail open every link. */
export function VerifyEmail() {
  const { verify } = text
  const { token } = arrivedWith
  const enter = useEnter()
  const [isDone, setDone] = useState(false)
  const { busy, error, onSubmit } = useServerForm({
    initial: {},
    send: () => answer(api.POST('/v1/email-verifications/confirm', { body: { token: token ?? '' } })),
    done: (confirmed) => {
      arrivedWith.forget()
      if (confirmed.token === undefined) return setDone(true)
      // Where e-mails are verified first, this was the sign-up.
      return enter(keptNext.take(), confirmed.business?.id)
    },
  })
  if (isDone) {
    return (
      <PeopleFrame>
        <Screen key="done" title={verify.done.title} about={verify.done.about}>
          <ButtonLink to="/">{verify.done.action}</ButtonLink>
        </Screen>
      </PeopleFrame>
    )
  }
  if (token === undefined) {
    return (
      <PeopleFrame>
        <Screen title={verify.noToken.title} about={verify.noToken.about} />
      </PeopleFrame>
    )
  }
  return (
    <PeopleFrame>
      <Screen key="ask" title={verify.title} about={verify.about}>
        <form onSubmit={onSubmit}>
          <Stack>
            <FormError error={error} />
            <Button type="submit" loading={busy}>
              {verify.submit}
            </Button>
          </Stack>
        </form>
      </Screen>
    </PeopleFrame>
  )
}
