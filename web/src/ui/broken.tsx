import { text } from '../text/shared.ts'
import { Failed } from './loaded.tsx'
import { Screen } from './screen.tsx'

/** In place of a screen that broke, or that could not be loaded. What is around it stays, and a fresh page tries again. */
export const Broken = ({ error }: { error: unknown }) => (
  <Screen title={text.broken.title}>
    <Failed
      error={new Error(isOfLoading(error) ? text.unreachable : text.unforeseen)}
      retry={() => location.reload()}
      busy={false}
    />
  </Screen>
)

/** A part of the pages that did not come: browsers say it in their own words. */
const isOfLoading = (error: unknown) =>
  error instanceof Error && /dynamically imported module|module script|preload CSS/i.test(error.message)
