import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { page } from '../ui/page.ts'
import { NotFound } from './not-found.tsx'
import { session } from './session.ts'

/** Every address of the portal; each screen is loaded when it is first gone to. */

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
})

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: session.signedIn ? '/businesses' : '/sign-in' })
  },
})

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  component: lazyRouteComponent(() => import('./people/sign-up.tsx'), 'SignUp'),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./people/sign-up.tsx'), 'SignUp'),
})

const businesses = createRoute({
  getParentRoute: () => root,
  path: '/businesses',
  component: lazyRouteComponent(() => import('./people/sign-up.tsx'), 'SignUp'),
})

const business = createRoute({
  getParentRoute: () => root,
  path: '/b/$businessId',
  component: lazyRouteComponent(() => import('./business/overview.tsx'), 'Overview'),
})

export const createPortalRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree: root.addChildren([start, signUp, signIn, businesses, business]),
    basepath: page.basePath === '' ? '/' : page.basePath,
    context: { queryClient },
    defaultPreload: 'intent',
    // Screens ask for their own data, so a second look must not use what the router keeps.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>
  }
}
