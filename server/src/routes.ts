import { gateRoutes } from './access/routes.ts'
import { apiKeyRoutes } from './api-keys/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { businessRoutes } from './businesses/routes.ts'
import type { Context } from './context.ts'
import { healthRoutes } from './http/health.ts'
import type { Routes } from './http/request.ts'
import { invitationRoutes } from './invitations/routes.ts'
import { clockRoutes } from './jobs/clock-routes.ts'
import { mailboxRoutes } from './mail/routes.ts'
import { memberRoutes } from './members/routes.ts'
import { planRoutes } from './plans/routes.ts'
import { staffPlanRoutes } from './plans/staff-routes.ts'
import { meRoutes } from './users/me-routes.ts'
import { userRoutes } from './users/routes.ts'

/** Every feature's routes. */
export const routes = (ctx: Context): Routes[] => [
  healthRoutes,
  userRoutes,
  meRoutes,
  businessRoutes,
  memberRoutes,
  invitationRoutes,
  apiKeyRoutes,
  gateRoutes,
  auditRoutes,
  planRoutes,
  staffPlanRoutes,
  ...(ctx.settings.production ? [] : [clockRoutes, mailboxRoutes]),
]
