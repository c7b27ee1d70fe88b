import { sql } from 'kysely'
import type { Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { fieldProblems } from '../http/fields.ts'
import { workerActivity } from '../jobs/activity.ts'
import type { Product } from '../product.ts'
import { hashPassword } from '../users/passwords.ts'
import { staffEmail } from './crew.ts'
import type { Size } from './play.ts'
import { ownerEmail } from './showcase.ts'
import { filled, playYear } from './year.ts'

/** Everybody's in the demo. */
export const demoPassword = 'a year in the life'

/** Key of the advisory lock: "demo" in ASCII. */
const lockKey = 0x64_65_6d_6f

/**
 * Fills an empty installation with a year of an invented product's life, and says how to sign in. One that has been
 * filled is left as it is; into production, or among businesses of somebody's own, nothing is put.
 */
export async function fillWithDemo(
  ctx: Context,
  say: (line: string) => void,
  size: Size = { businesses: 300, days: 365 },
): Promise<void> {
  if (ctx.settings.production) {
    throw new Error('--demo is for development: in production there are no invented businesses')
  }
  const unfit = whyUnfit(ctx.product)
  if (unfit !== undefined) throw new Error(`--demo signs businesses up without asking anything: ${unfit}`)
  // Held to the end: of two that are started at once the second finds what the first has done.
  await acrossBusinesses(ctx.db, async (tx) => {
    await sql`select pg_advisory_xact_lock(${lockKey}::bigint)`.execute(tx)
    // It waits for a year to pass, which would be too long for any other.
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
    if (await isFilled(ctx)) return say('The demo is in this database already')
    await checkEmpty(ctx)
    const started = performance.now()
    say(`Filling a year of ${size.businesses} invented businesses:`)
    await playYear(ctx, size, await hashPassword(demoPassword), say)
    say(`That took ${Math.round((performance.now() - started) / 1000)} s`)
  })
  say(`  Portal: ${ownerEmail}   Console: ${staffEmail}   Password of everybody: ${demoPassword}`)
}

function whyUnfit({ signup, fields }: Product): string | undefined {
  if (signup.mode !== 'open') return `signup.mode must be open, and is ${signup.mode}`
  if (signup.verifyEmail !== 'after') return 'signup.verifyEmail must be after'
  const [problem] = fieldProblems(fields.business, {}, 'fields.business')
  return problem && `${problem.path.replaceAll('/', '.')} ${problem.message}`
}

async function isFilled(ctx: Context): Promise<boolean> {
  const entry = await ctx.db.across
    .selectFrom('systemAuditEntries')
    .select('id')
    .where('action', '=', filled)
    .limit(1)
    .executeTakeFirst()
  return entry !== undefined
}

async function checkEmpty(ctx: Context): Promise<void> {
  const begun = await ctx.db.across.selectFrom('users').select('id').where('email', '=', staffEmail).executeTakeFirst()
  if (begun) {
    throw new Error(
      'The demo was cut short in this database: begin again with an empty one, such as DATA_DIR=.freehold-demo',
    )
  }
  const business = await ctx.db.across.selectFrom('businesses').select('name').limit(1).executeTakeFirst()
  if (business) {
    throw new Error(
      `--demo fills an empty database, and this one has businesses such as ${business.name}: take another, such as DATA_DIR=.freehold-demo`,
    )
  }
  // It would renew at once what is due in the past.
  const { alive } = await workerActivity(ctx.db.across)
  if (alive > 0) throw new Error('A worker is running on this database: stop it, wait a minute and start --demo again')
}
