import { Screen } from '../../ui/screen.tsx'
import { text } from '../../text/settings.ts'
import { Needs } from '../membership.tsx'
import { Danger } from './danger.tsx'
import { General } from './general.tsx'

/** What a business is called, who owns it, and its end. */
export function Settings() {
  return (
    <Screen title={text.title}>
      <Needs permission="business:read">
        <General />
        <Danger />
      </Needs>
    </Screen>
  )
}
