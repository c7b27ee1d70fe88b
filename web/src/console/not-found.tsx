import { text } from '../text/shared.ts'
import { Screen } from '../ui/screen.tsx'

export const NotFound = () => <Screen title={text.notFound.title} about={text.notFound.about} />
