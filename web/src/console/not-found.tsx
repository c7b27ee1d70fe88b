import { Group } from '@mantine/core'
import { text } from '../text/shared.ts'
import { ButtonLink } from '../ui/links.tsx'
import { Screen } from '../ui/screen.tsx'

export const NotFound = () => (
  <Screen title={text.notFound.title} about={text.notFound.about}>
    <Group>
      <ButtonLink to="/">{text.notFound.back}</ButtonLink>
    </Group>
  </Screen>
)
