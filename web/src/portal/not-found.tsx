import { text } from '../text/shared.ts'
import { Screen } from '../ui/screen.tsx'
import { PeopleFrame } from './people/people-frame.tsx'

export function NotFound() {
  return (
    <PeopleFrame>
      <Screen title={text.notFound.title} about={text.notFound.about} />
    </PeopleFrame>
  )
}
