import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { Broken } from '../ui/broken.tsx'
import { page } from '../ui/page.ts'
import type { AuditSearch } from './audit/data.ts'
import { states, type State } from './invoices/states.ts'
import { safeNext } from './next.ts'
import { NotFound } from './not-found.tsx'
import { session } from './session.ts'
import { usageSearch } from './usage/search.ts'

/** Every address of the portal. A screen is a file of its own, loaded when it is first gone to. */

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
})

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect(session.signedIn ? { to: '/businesses' } : { to: '/sign-in' })
  },
})

// For anybody.

/**
 * Where to go on after signing in: a path of this origin, whatever the address says. Named even where there is none,
 * because what is not named stays as it was in the address.
 */
const withNext = (search: Record<string, unknown>): { next?: string | undefined } => ({
  next: safeNext(search['next'], location.origin),
})

const inAlready = ({ search: { next } }: { search: { next?: string | undefined } }) => {
  if (!session.signedIn) return
  if (next === undefined) throw redirect({ to: '/' })
  // A load of its own, as it may be another application's.
  throw redirect({ href: next, reloadDocument: true })
}

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  validateSearch: withNext,
  beforeLoad: inAlready,
  component: lazyRouteComponent(() => import('./people/sign-up.tsx'), 'SignUp'),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: withNext,
  beforeLoad: inAlready,
  component: lazyRouteComponent(() => import('./people/sign-in.tsx'), 'SignIn'),
})

const socialSignIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/$provider',
  component: lazyRouteComponent(() => import('./people/social-sign-in.tsx'), 'SocialSignIn'),
})

const twoFactor = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/2fa',
  validateSearch: withNext,
  beforeLoad: ({ search }) => {
    if (session.challenge === undefined) throw redirect({ to: '/sign-in', search })
  },
  component: lazyRouteComponent(() => import('./people/two-factor.tsx'), 'TwoFactor'),
})

const forgotPassword = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  validateSearch: withNext,
  component: lazyRouteComponent(() => import('./people/forgot-password.tsx'), 'ForgotPassword'),
})

const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  component: lazyRouteComponent(() => import('./people/reset-password.tsx'), 'ResetPassword'),
})

const verifyEmail = createRoute({
  getParentRoute: () => root,
  path: '/verify-email',
  component: lazyRouteComponent(() => import('./people/verify-email.tsx'), 'VerifyEmail'),
})

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./join/join.tsx'), 'Join'),
})

// For whoever is signed in.

const signedInOnly = ({ location }: { location: { publicHref: string } }) => {
  if (!session.signedIn) throw redirect({ to: '/sign-in', search: { next: location.publicHref } })
}

const businesses = createRoute({
  getParentRoute: () => root,
  path: '/businesses',
  beforeLoad: signedInOnly,
  component: lazyRouteComponent(() => import('./businesses/businesses.tsx'), 'Businesses'),
})

const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  beforeLoad: signedInOnly,
  component: lazyRouteComponent(() => import('./account/account-frame.tsx'), 'AccountFrame'),
})

const accountStart = createRoute({
  getParentRoute: () => account,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/account/profile' })
  },
})

const profile = createRoute({
  getParentRoute: () => account,
  path: '/profile',
  component: lazyRouteComponent(() => import('./account/profile.tsx'), 'Profile'),
})

const security = createRoute({
  getParentRoute: () => account,
  path: '/security',
  component: lazyRouteComponent(() => import('./account/security.tsx'), 'Security'),
})

const sessions = createRoute({
  getParentRoute: () => account,
  path: '/sessions',
  component: lazyRouteComponent(() => import('./account/sessions.tsx'), 'Sessions'),
})

const business = createRoute({
  getParentRoute: () => root,
  path: '/b/$businessId',
  beforeLoad: signedInOnly,
  component: lazyRouteComponent(() => import('./business/business-frame.tsx'), 'BusinessFrame'),
})

const overview = createRoute({
  getParentRoute: () => business,
  path: '/',
  component: lazyRouteComponent(() => import('./business/overview.tsx'), 'Overview'),
})

const team = createRoute({
  getParentRoute: () => business,
  path: '/team',
  component: lazyRouteComponent(() => import('./team/team.tsx'), 'Team'),
})

const apiKeys = createRoute({
  getParentRoute: () => business,
  path: '/api-keys',
  component: lazyRouteComponent(() => import('./api-keys/api-keys.tsx'), 'ApiKeys'),
})

const withStatus = (search: Record<string, unknown>): { status?: State | undefined } => ({
  status: states.find((each) => each === search['status']),
})

const plan = createRoute({
  getParentRoute: () => business,
  path: '/plan',
  component: lazyRouteComponent(() => import('./plan/plan.tsx'), 'PlanScreen'),
})

const usage = createRoute({
  getParentRoute: () => business,
  path: '/usage',
  validateSearch: usageSearch,
  component: lazyRouteComponent(() => import('./usage/usage.tsx'), 'Usage'),
})

const invoices = createRoute({
  getParentRoute: () => business,
  path: '/invoices',
  validateSearch: withStatus,
  component: lazyRouteComponent(() => import('./invoices/invoices.tsx'), 'Invoices'),
})

const invoice = createRoute({
  getParentRoute: () => business,
  path: '/invoices/$invoiceId',
  component: lazyRouteComponent(() => import('./invoices/invoice.tsx'), 'InvoiceScreen'),
})

type AuditInAddress = { [Key in keyof AuditSearch]?: string | undefined }
const text = (said: unknown) => (typeof said === 'string' && said !== '' ? said : undefined)
const withAuditFilters = ({ actor, action, from }: Record<string, unknown>): AuditInAddress => ({
  actor: text(actor),
  action: text(action),
  from: typeof from === 'string' && /^\d{4}-\d\d-\d\d$/.test(from) ? from : undefined,
})

const audit = createRoute({
  getParentRoute: () => business,
  path: '/audit',
  validateSearch: withAuditFilters,
  component: lazyRouteComponent(() => import('./audit/audit.tsx'), 'Audit'),
})

const supportAccess = createRoute({
  getParentRoute: () => business,
  path: '/support-access',
  component: lazyRouteComponent(() => import('./support/support-access.tsx'), 'SupportAccess'),
})

const explain = createRoute({
  getParentRoute: () => business,
  path: '/explain',
  validateSearch: ({ id }: Record<string, unknown>): { id?: string } =>
    typeof id === 'string' && id !== '' ? { id } : {},
  component: lazyRouteComponent(() => import('./explain/explain.tsx'), 'Explain'),
})

const settings = createRoute({
  getParentRoute: () => business,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings/settings.tsx'), 'Settings'),
})

const routeTree = root.addChildren([
  start,
  signUp,
  signIn,
  socialSignIn,
  twoFactor,
  forgotPassword,
  resetPassword,
  verifyEmail,
  join,
  businesses,
  account.addChildren([accountStart, profile, security, sessions]),
  business.addChildren([
    overview,
    team,
    apiKeys,
    plan,
    usage,
    invoices,
    invoice,
    audit,
    supportAccess,
    explain,
    settings,
  ]),
])

export const createPortalRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    basepath: page.basePath === '' ? '/' : page.basePath,
    context: { queryClient },
    defaultPreload: 'intent',
    // Screens ask for their own data, so a second look must not use what the router keeps.
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: Broken,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>
  }
}
