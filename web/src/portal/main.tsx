// First of all, so that the token of a mailed link is out of the address before anything looks at it; a provider's too.
import './arrival.ts'
import './provider-answer.ts'
import { RouterProvider } from '@tanstack/react-router'
import { mount } from '../ui/mount.tsx'
import { product } from '../ui/page.ts'
import { createQueryClient } from '../ui/query.ts'
import { createPortalRouter } from './router.tsx'
import { endSession, session } from './session.ts'

const queryClient = createQueryClient(() => {
  if (!session.signedIn) return
  // It ended elsewhere, or by itself: sign in again, and go on here.
  endSession(queryClient)
  const { publicHref } = router.state.location
  void router.navigate({ to: '/sign-in', search: { next: publicHref } })
})
const router = createPortalRouter(queryClient)

const { color } = product.brand
const accent = color === null ? { light: '#3538cd', dark: '#8098f9' } : { light: color, dark: color }
mount(<RouterProvider router={router} />, { accent, queryClient })
