/**
 * How many due subscriptions a second the renewal sweep brings up to now, beside the plain loop that locks, advances and
 * writes them one by one: node --conditions=freehold-source bench/renewal.ts [subscriptions]
 *
 * Durable PostgreSQL of its own; every business has two open counters.
 */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { pino } from 'pino'
import product from '../examples/session-recorder/freehold.config.ts'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { acrossBusinesses } from '../server/src/db/transactions.ts'
import { createFreehold } from '../server/src/freehold.ts'
import { renewDue } from '../server/src/subscriptions/renewal.ts'
import { lockSubscription } from '../server/src/subscriptions/subscriptions.ts'

const subscriptions = Number(process.argv[2] ?? 100_000)
const sample = Math.min(2000, subscriptions)
const root = fileURLToPath(new URL('..', import.meta.url))
const dataDir = join(dirname(defaultDataDir(root)), `freehold-renewal-${process.pid}`)

const embedded = await openEmbedded({ dataDir })
const freehold = await createFreehold({
  product,
  database: embedded.url,
  secret: 'a secret of at least thirty-two characters',
  logger: pino({ level: 'warn' }),
})
const { ctx } = freehold
try {
  await seed()
  // The sample goes first, each in a transaction of its own, four at a time as a worker would.
  const names = await businesses(sample)
  const each = await seconds(async () => {
    const next = names.values()
    const lane = async () => {
      for (const name of next) await acrossBusinesses(ctx.db, (tx) => lockSubscription(tx, ctx, name))
    }
    await Promise.all([lane(), lane(), lane(), lane()])
  })
  report(`one by one, 4 at a time (${sample})`, sample, each)

  for (const runs of [1, 2, 4]) {
    await makeDue()
    let renewed = 0
    const together = await seconds(async () => {
      const done = await Promise.all(Array.from({ length: runs }, () => renewDue(ctx)))
      renewed = done.reduce((sum, run) => sum + run.renewed, 0)
    })
    if (renewed !== subscriptions) throw new Error(`${renewed} of ${subscriptions} were renewed`)
    report(`sweep, ${runs} at once`, renewed, together)
  }
} finally {
  await freehold.close()
  await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function seed(): Promise<void> {
  const now = ctx.now()
  const start = new Date(Math.floor(now.getTime() / 1000) * 1000 - 15 * 86_400_000)
  const { id: version } = await ctx.db.across
    .selectFrom('planVersions')
    .select('id')
    .where('planKey', '=', 'free')
    .executeTakeFirstOrThrow()
  const numbers = sql`generate_series(1, ${subscriptions}::int) as n`
  const business = sql`'biz_' || lpad(n::text, 26, '0')`
  await sql`insert into freehold.businesses (id, name, created_at) select ${business}, 'Business ' || n, ${start} from ${numbers}`.execute(
    ctx.db.across,
  )
  await sql`
    insert into freehold.subscriptions
      (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
    select ${business}, 'sub_' || lpad(n::text, 26, '0'), ${version}, 'default', 'active', s.start, s.start, s.start + interval '15 days', s.start
    from ${numbers}, lateral (select ${start}::timestamptz - make_interval(secs => n % 86400) as start) s`.execute(
    ctx.db.across,
  )
  await sql`
    insert into freehold.usage_counters (business_id, feature, period_start, period_end, used, ceiling, valid_until)
    select ${business}, feature, ${start}, ${now}, 7, 100, ${now}
    from ${numbers}, unnest(array['applications', 'recordings']) as feature`.execute(ctx.db.across)
  await sql`vacuum analyze`.execute(ctx.db.across)
}

/** Everything is due again: what a sweep has written is left, the cycles move back. */
async function makeDue(): Promise<void> {
  await sql`
    update freehold.subscriptions
    set anchor = anchor - interval '15 days', cycle_start = cycle_start - interval '15 days', cycle_end = cycle_end - interval '15 days'
    where business_id is not null and cycle_end > ${ctx.now()}`.execute(ctx.db.across)
  await sql`update freehold.usage_counters set valid_until = ${ctx.now()} where business_id is not null`.execute(
    ctx.db.across,
  )
  await sql`vacuum analyze`.execute(ctx.db.across)
  await sql`checkpoint`.execute(ctx.db.across)
}

async function businesses(count: number): Promise<string[]> {
  const rows = await ctx.db.across
    .selectFrom('subscriptions')
    .select('businessId')
    .orderBy('cycleEnd')
    .limit(count)
    .execute()
  return rows.map(({ businessId }) => businessId)
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

function report(what: string, count: number, took: number): void {
  console.log(`${what.padEnd(32)} ${Math.round(count / took)} a second (${took.toFixed(2)} s)`)
}
