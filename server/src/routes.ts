import { explainRoutes } from './access/explain-routes.ts'
import { gateRoutes } from './access/routes.ts'
import { apiKeyRoutes } from './api-keys/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { staffLogRoutes } from './audit/staff-log-routes.ts'
import { staffTimelineRoutes } from './audit/staff-routes.ts'
import { staffJobRoutes } from './background/staff-routes.ts'
import { businessRoutes } from './businesses/routes.ts'
import { staffBusinessRoutes } from './businesses/staff-routes.ts'
import type { Context } from './context.ts'
import { healthRoutes } from './http/health.ts'
import type { Routes } from './http/request.ts'
import { invitationRoutes } from './invitations/routes.ts'
import { invoiceRoutes } from './invoices/routes.ts'
import { staffInvoiceListRoutes } from './invoices/staff-list-routes.ts'
import { staffInvoiceRoutes } from './invoices/staff-routes.ts'
import { clockRoutes } from './jobs/clock-routes.ts'
import { mailboxRoutes } from './mail/routes.ts'
import { staffMailRoutes } from './mail/staff-routes.ts'
import { memberRoutes } from './members/routes.ts'
import { staffMemberRoutes } from './members/staff-routes.ts'
import { staffMetricRoutes } from './metrics/staff-routes.ts'
import { planRoutes } from './plans/routes.ts'
import { staffPlanRoutes } from './plans/staff-routes.ts'
import { choiceRoutes } from './subscriptions/choice-routes.ts'
import { paymentRoutes } from './subscriptions/payment-routes.ts'
import { subscriptionRoutes } from './subscriptions/routes.ts'
import { settlementRoutes } from './subscriptions/settlement-routes.ts'
import { staffSubscriptionListRoutes } from './subscriptions/staff-list-routes.ts'
import { staffSubscriptionRoutes } from './subscriptions/staff-routes.ts'
import { supportRoutes } from './support/routes.ts'
import { staffSupportListRoutes } from './support/staff-list-routes.ts'
import { tasks } from './tasks.ts'
import { expiringGrantRoutes } from './usage/expiring-grants-routes.ts'
import { itemRoutes } from './usage/item-routes.ts'
import { staffUsageRoutes } from './usage/staff-routes.ts'
import { meRoutes } from './users/me-routes.ts'
import { providerRoutes } from './users/provider-routes.ts'
import { userRoutes } from './users/routes.ts'
import { signInRoutes } from './users/sign-in-routes.ts'
import { staffUserSearchRoutes } from './users/staff-search-routes.ts'
import { socialRoutes } from './users/social-routes.ts'
import { twoFactorRoutes } from './users/two-factor-routes.ts'

/** Every feature's routes. */
export const routes = (ctx: Context): Routes[] => [
  healthRoutes,
  userRoutes,
  signInRoutes,
  socialRoutes,
  meRoutes,
  twoFactorRoutes,
  providerRoutes,
  businessRoutes,
  memberRoutes,
  invitationRoutes,
  apiKeyRoutes,
  gateRoutes,
  explainRoutes,
  auditRoutes,
  planRoutes,
  staffPlanRoutes,
  subscriptionRoutes,
  choiceRoutes,
  itemRoutes,
  invoiceRoutes,
  supportRoutes,
  staffBusinessRoutes,
  staffTimelineRoutes,
  staffMemberRoutes,
  staffUserSearchRoutes,
  staffSubscriptionRoutes,
  paymentRoutes,
  staffInvoiceRoutes,
  settlementRoutes,
  staffUsageRoutes,
  staffSubscriptionListRoutes,
  staffInvoiceListRoutes,
  expiringGrantRoutes,
  staffSupportListRoutes,
  staffLogRoutes,
  staffJobRoutes(tasks(ctx)),
  staffMailRoutes,
  staffMetricRoutes,
  ...(ctx.settings.production ? [] : [clockRoutes, mailboxRoutes]),
]
