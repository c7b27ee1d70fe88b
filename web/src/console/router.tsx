import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Broken } from '../ui/broken.tsx'
import { page } from '../ui/page.ts'
import { tabs, timelineKinds } from './business/tabs.ts'
import { sorts, statuses } from './businesses/filters.ts'
import { ConsoleFrame } from './frame/console-frame.tsx'
import { actorKinds, jobStates, mailStatuses, metricMonths, sessionStates, subscriptionStatuses } from './lists.ts'
import { NotFound } from './not-found.tsx'

/** Every address of the console. What is filtered, sorted and opened stands in the address. */

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: ConsoleFrame,
  notFoundComponent: NotFound,
})

/** What the address says, as far as it is one of these. */
const oneOf = <const Value extends string>(values: readonly Value[], said: unknown): Value | undefined =>
  values.find((value) => value === said)
const some = (said: unknown): string | undefined =>
  typeof said === 'string' && said !== '' ? said : typeof said === 'number' ? String(said) : undefined

/** Named even where nothing is said, because what is not named stays as it was in the address. */
const said = <Search extends Record<string, unknown>>(search: Search): { [Key in keyof Search]?: Search[Key] } => search

const queue = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./queue/queue.tsx'), 'Queue'),
})

const businesses = createRoute({
  getParentRoute: () => root,
  path: '/businesses',
  validateSearch: (search: Record<string, unknown>) =>
    said({
      q: some(search['q']),
      status: oneOf(statuses, search['status']),
      plan: some(search['plan']),
      sort: oneOf(sorts, search['sort']),
    }),
  component: lazyRouteComponent(() => import('./businesses/businesses.tsx'), 'Businesses'),
})

const business = createRoute({
  getParentRoute: () => root,
  path: '/businesses/$businessId',
  validateSearch: (search: Record<string, unknown>) =>
    said({ tab: oneOf(tabs, search['tab']), kind: oneOf(timelineKinds, search['kind']) }),
  component: lazyRouteComponent(() => import('./business/business.tsx'), 'BusinessPage'),
})

const plans = createRoute({
  getParentRoute: () => root,
  path: '/plans',
  component: lazyRouteComponent(() => import('./plans/plans.tsx'), 'Plans'),
})

const plan = createRoute({
  getParentRoute: () => root,
  path: '/plans/$planKey',
  component: lazyRouteComponent(() => import('./plans/plan.tsx'), 'Plan'),
})

const newVersion = createRoute({
  getParentRoute: () => root,
  path: '/plans/$planKey/new-version',
  component: lazyRouteComponent(() => import('./plans/new-version.tsx'), 'NewVersion'),
})

const subscriptions = createRoute({
  getParentRoute: () => root,
  path: '/subscriptions',
  validateSearch: (search: Record<string, unknown>) =>
    said({ status: oneOf(subscriptionStatuses, search['status']), plan: some(search['plan']) }),
  component: lazyRouteComponent(() => import('./subscriptions/subscriptions.tsx'), 'Subscriptions'),
})

const supportSessions = createRoute({
  getParentRoute: () => root,
  path: '/support-sessions',
  validateSearch: (search: Record<string, unknown>) => said({ status: oneOf(sessionStates, search['status']) }),
  component: lazyRouteComponent(() => import('./support/sessions.tsx'), 'SupportSessions'),
})

const day = (value: unknown) => (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value : undefined)

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (search: Record<string, unknown>) =>
    said({
      by: oneOf(actorKinds, search['by']),
      actor: some(search['actor']),
      action: some(search['action']),
      business: some(search['business']),
      from: day(search['from']),
      to: day(search['to']),
    }),
  component: lazyRouteComponent(() => import('./audit/staff-log.tsx'), 'StaffLog'),
})

const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: (search: Record<string, unknown>) =>
    said({ state: oneOf(jobStates, search['state']), task: some(search['task']) }),
  component: lazyRouteComponent(() => import('./jobs/jobs.tsx'), 'Jobs'),
})

const mails = createRoute({
  getParentRoute: () => root,
  path: '/mail',
  validateSearch: (search: Record<string, unknown>) =>
    said({ status: oneOf(mailStatuses, search['status']), to: some(search['to']) }),
  component: lazyRouteComponent(() => import('./mail/mails.tsx'), 'Mails'),
})

const mail = createRoute({
  getParentRoute: () => root,
  path: '/mail/$mailId',
  component: lazyRouteComponent(() => import('./mail/mail.tsx'), 'MailPage'),
})

const person = createRoute({
  getParentRoute: () => root,
  path: '/people/$userId',
  component: lazyRouteComponent(() => import('./person/person.tsx'), 'PersonPage'),
})

const metrics = createRoute({
  getParentRoute: () => root,
  path: '/metrics',
  validateSearch: (search: Record<string, unknown>) => said({ months: oneOf(metricMonths, some(search['months'])) }),
  component: lazyRouteComponent(() => import('./metrics/metrics.tsx'), 'MetricsPage'),
})

const explain = createRoute({
  getParentRoute: () => root,
  path: '/explain',
  validateSearch: (search: Record<string, unknown>) => said({ id: some(search['id']) }),
  component: lazyRouteComponent(() => import('./explain/explain.tsx'), 'Explain'),
})

const routeTree = root.addChildren([
  queue,
  businesses,
  business,
  plans,
  plan,
  newVersion,
  subscriptions,
  supportSessions,
  audit,
  jobs,
  mails,
  mail,
  person,
  metrics,
  explain,
])

export const createConsoleRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    basepath: `${page.basePath}/console`,
    context: { queryClient },
    defaultPreload: false,
    defaultErrorComponent: Broken,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
