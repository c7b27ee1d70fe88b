import type { Context } from './context.ts'
import type { Task } from './jobs/worker.ts'
import { requestVerification } from './users/email-verifications.ts'
import { requestPasswordReset } from './users/password-resets.ts'

/** Every task and its schedule: Freehold's own, and the product's. */
export const tasks = (ctx: Context): Record<string, Task> => ({
  'password-reset': { run: requestPasswordReset },
  'email-verification': { run: requestVerification },
  ...ctx.product.tasks,
})
