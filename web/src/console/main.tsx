import { RouterProvider } from '@tanstack/react-router'
import { mount } from '../ui/mount.tsx'
import { page } from '../ui/page.ts'
import { createQueryClient } from '../ui/query.ts'
import { createConsoleRouter } from './router.tsx'

/** Signing in is the portal's; it comes back to where one wanted to go. */
function signInFirst(): void {
  const next = location.pathname + location.search
  location.replace(`${page.basePath}/sign-in?next=${encodeURIComponent(next)}`)
}

if (page.signedIn) {
  const queryClient = createQueryClient(signInFirst)
  const router = createConsoleRouter(queryClient)
  // Not the product's colour: nobody shall take this for what customers see.
  const accent = { light: '#0e7090', dark: '#22ccee' }
  mount(<RouterProvider router={router} />, { accent, queryClient })
} else {
  signInFirst()
}
