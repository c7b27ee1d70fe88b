import type { Context } from './context.ts'
import { cleanUp } from './jobs/clean-up.ts'
import type { Task } from './jobs/schedules.ts'
import { renewDue } from './subscriptions/renewal.ts'
import { expireReservations } from './usage/tasks.ts'
import { requestVerification } from './users/email-verifications.ts'
import { requestPasswordReset } from './users/password-resets.ts'

const builtIn: Record<string, Task> = {
  'renew-subscriptions': { schedule: '* * * * *', run: renewDue },
  'expire-reservations': { schedule: '* * * * *', run: expireReservations },
  'clean-up': { schedule: '17 3 * * *', run: cleanUp },
  'password-reset': { run: requestPasswordReset },
  'email-verification': { run: requestVerification },
}

/** Every task and its schedule: Freehold's own, and the product's. */
export function tasks(ctx: Context): Record<string, Task> {
  for (const name of Object.keys(ctx.product.tasks)) {
    if (name in builtIn) throw new TypeError(`tasks.${name}: is a task of Freehold itself`)
  }
  return { ...builtIn, ...ctx.product.tasks }
}
