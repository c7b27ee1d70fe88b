import { forgetDenials } from './access/denials.ts'
import { standingOf } from './access/standings.ts'
import type { Context } from './context.ts'
import { acrossBusinesses } from './db/transactions.ts'
import type { HandleEvent } from './events/deliver.ts'
import { chargeTask } from './invoices/charges.ts'
import { cleanUp } from './jobs/clean-up.ts'
import type { Task } from './jobs/schedules.ts'
import type { TaskContext } from './product-hooks.ts'
import type { Product } from './product.ts'
import { moveSubscriptions, moveTask } from './plans/moves.ts'
import { chargeRequested } from './subscriptions/charging.ts'
import { endClosed } from './subscriptions/closed-businesses.ts'
import { chaseOverdue } from './subscriptions/dunning.ts'
import { settleLateOverages } from './subscriptions/late-overages.ts'
import { renewDue } from './subscriptions/renewal.ts'
import { mailOwners } from './subscriptions/owner-mails.ts'
import { announceTrialEndings } from './subscriptions/trial-endings.ts'
import { mailAlerts } from './usage/alerts.ts'
import { currentEntitlements } from './usage/overview.ts'
import { expireReservations } from './usage/tasks.ts'
import { requestVerification } from './users/email-verifications.ts'
import { requestPasswordReset } from './users/password-resets.ts'

const builtIn: Record<string, Task> = {
  'renew-subscriptions': { schedule: '* * * * *', run: renewDue },
  [chargeTask]: { schedule: '* * * * *', run: chargeRequested },
  'trial-endings': { schedule: '* * * * *', run: announceTrialEndings },
  'overdue-payments': { schedule: '* * * * *', run: chaseOverdue },
  'late-overages': { schedule: '11 * * * *', run: settleLateOverages },
  'end-closed': { schedule: '41 * * * *', run: endClosed },
  'expire-reservations': { schedule: '* * * * *', run: expireReservations },
  'owner-mails': { schedule: '* * * * *', run: mailOwners },
  'usage-alerts': { schedule: '* * * * *', run: mailAlerts },
  'forget-denials': { schedule: '23 * * * *', run: forgetDenials },
  'clean-up': { schedule: '17 3 * * *', run: cleanUp },
  [moveTask]: { run: moveSubscriptions },
  'password-reset': { run: requestPasswordReset },
  'email-verification': { run: requestVerification },
}

/** Every task and its schedule: Freehold's own, and the product's. */
export const tasks = (ctx: Context): Record<string, Task> => ({ ...builtIn, ...productTasks(ctx) })

/** Asked before anything is opened. */
export function checkTaskNames(product: Product): void {
  const taken = Object.keys(product.tasks).filter((name) => Object.hasOwn(builtIn, name))
  if (taken.length > 0) throw new TypeError(`tasks.${taken[0]}: is a task of Freehold itself`)
}

const productTasks = (ctx: Context): Record<string, Task> =>
  Object.fromEntries(
    Object.entries(ctx.product.tasks).map(([name, { schedule, run }]) => [
      name,
      { schedule, run: (running) => run(taskContext(running)) } satisfies Task,
    ]),
  )

/** What the product does about events, and about which. */
export const eventHandlers = (ctx: Context): { types: string[]; handle: HandleEvent } => ({
  types: Object.keys(ctx.product.on),
  handle: (event) => {
    // One of the type's own handler and event; TypeScript sees a union of each.
    const handler = ctx.product.on[event.type] as
      | ((handled: typeof event, context: TaskContext) => Promise<void> | void)
      | undefined
    return handler?.(event, taskContext(ctx))
  },
})

const taskContext = (ctx: Context): TaskContext => ({
  now: ctx.now,
  log: ctx.log,
  transaction: (work) => acrossBusinesses(ctx.db, work),
  entitlements: async (businessId) => {
    const standing = await standingOf(ctx, businessId)
    return 'code' in standing ? undefined : currentEntitlements(ctx.db.across, ctx, standing)
  },
})
