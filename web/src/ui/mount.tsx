import { MantineProvider } from '@mantine/core'
import '@mantine/core/styles.css'
import { Notifications } from '@mantine/notifications'
import '@mantine/notifications/styles.css'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './base.css'
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query'
import { StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { Announcer } from './announcer.tsx'
import { styleNonce } from './page.ts'
import { cssVariables, themeOf, type Accent } from './theme.ts'

// The name under which a dialog's scroll lock looks for the nonce of its style sheet.
Object.assign(globalThis, { __webpack_nonce__: styleNonce })

/** Puts an application into the page, with all that its screens stand on. */
export function mount(application: ReactNode, { accent, queryClient }: { accent: Accent; queryClient: QueryClient }) {
  const root = document.getElementById('root')
  if (!root) throw new Error('The page has no place for the application')
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        theme={themeOf(accent)}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        getStyleNonce={() => styleNonce}
      >
        <QueryClientProvider client={queryClient}>
          <Announcer />
          <Notifications position="bottom-right" />
          {application}
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
