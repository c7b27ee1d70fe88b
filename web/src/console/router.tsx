import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { page } from '../ui/page.ts'
import { tabs, timelineKinds } from './business/tabs.ts'
import { sorts, statuses } from './businesses/filters.ts'
import { ConsoleFrame } from './frame/console-frame.tsx'
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

/** Without what is not said, so that addresses stay short. */
const said = <Search extends Record<string, unknown>>(search: Search) =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Search]?: Exclude<Search[Key], undefined>
  }

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/businesses' })
  },
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

const routeTree = root.addChildren([start, businesses, business, plans, plan, newVersion])

export const createConsoleRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    basepath: `${page.basePath}/console`,
    context: { queryClient },
    defaultPreload: false,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
