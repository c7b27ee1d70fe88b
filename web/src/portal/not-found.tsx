import { text } from '../text/shared.ts'
import { ButtonLink } from '../ui/links.tsx'
import { Screen } from '../ui/screen.tsx'
import { PeopleFrame } from './people/people-frame.tsx'

export function NotFound() {
  return (
    <PeopleFrame>
      <Screen title={text.notFound.title} about={text.notFound.about}>
        <ButtonLink to="/">{text.notFound.back}</ButtonLink>
      </Screen>
    </PeopleFrame>
  )
}
