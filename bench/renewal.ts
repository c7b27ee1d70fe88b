/**
 * How many due subscriptions a second the renewal sweep brings up to now, beside the plain loop that locks, advances and
 * writes them one by one: node --conditions=freehold-source bench/renewal.ts [subscriptions] [plain|overage|rollover]
 *
 * Durable PostgreSQL of its own; every business has two open counters. With overage each has used more than its plan
 * includes and gets an invoice for it; with rollover each has something left over and gets a grant.
 */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { pino } from 'pino'
import sessionRecorder from '../examples/session-recorder/freehold.config.ts'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { acrossBusinesses } from '../server/src/db/transactions.ts'
import { createFreehold } from '../server/src/freehold.ts'
import { days, defineProduct, usd } from '../server/src/product.ts'
import { renewDue } from '../server/src/subscriptions/renewal.ts'
import { lockSubscription } from '../server/src/subscriptions/subscriptions.ts'

const subscriptions = Number(process.argv[2] ?? 100_000)
const kind = process.argv[3] ?? 'plain'
const sample = Math.min(2000, subscriptions)
const root = fileURLToPath(new URL('..', import.meta.url))
const dataDir = join(dirname(defaultDataDir(root)), `freehold-renewal-${process.pid}`)

const product = { plain: sessionRecorder, overage: selling('overage'), rollover: selling('rollover') }[kind]
if (!product) throw new Error(`There is no ${kind}: plain, overage or rollover`)

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
  report(`${kind}: one by one, 4 at a time (${sample})`, sample, each)

  for (const runs of [1, 2, 4]) {
    await makeDue()
    let renewed = 0
    const together = await seconds(async () => {
      // A sweep ends after some minutes and the next goes on, as their schedule has it.
      for (let some = 1; some > 0 && renewed < subscriptions; renewed += some) {
        const done = await Promise.all(Array.from({ length: runs }, () => renewDue(ctx)))
        some = done.reduce((sum, run) => sum + run.renewed, 0)
      }
    })
    if (renewed !== subscriptions) throw new Error(`${renewed} of ${subscriptions} were renewed`)
    report(`${kind}: sweep, ${runs} at once`, renewed, together)
  }
} finally {
  await freehold.close()
  await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
}

function selling(what: 'overage' | 'rollover') {
  const recordings = what === 'overage' ? { limit: 5, overage: { price: usd(10) } } : 100
  return defineProduct({
    name: 'Renewal',
    features: {
      applications: { kind: 'allocated' },
      recordings: { kind: 'metered', rollover: what === 'rollover' ? 50 : 0 },
    },
    plans: { free: { name: 'Free', cycle: days(15), price: usd(0), includes: { applications: 10, recordings } } },
    signup: { plan: 'free' },
  })
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
    insert into freehold.usage_counters
      (business_id, feature, period_start, period_end, used, allowance, ceiling, opened_at, valid_until)
    select s.business_id, feature, s.cycle_start, s.cycle_end, 7, 5, 100, s.cycle_start, ${now}
    from freehold.subscriptions s, unnest(array['applications', 'recordings']) as feature`.execute(ctx.db.across)
  await sql`vacuum analyze`.execute(ctx.db.across)
}

/** Everything is due again: what a sweep has written is left, the cycles move back. */
async function makeDue(): Promise<void> {
  await sql`
    update freehold.subscriptions
    set anchor = anchor - interval '15 days', cycle_start = cycle_start - interval '15 days', cycle_end = cycle_end - interval '15 days'
    where business_id is not null and cycle_end > ${ctx.now()}`.execute(ctx.db.across)
  // The counters go with them, as they were before anything of them was billed.
  await sql`delete from freehold.grants where created_by = 'renewal'`.execute(ctx.db.across)
  await sql`
    update freehold.usage_counters c
    set period_start = s.cycle_start, period_end = s.cycle_end, opened_at = s.cycle_start, valid_until = ${ctx.now()},
      billed = 0, overages = null
    from freehold.subscriptions s
    where s.business_id = c.business_id`.execute(ctx.db.across)
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
  console.log(`${what.padEnd(42)} ${Math.round(count / took)} a second (${took.toFixed(2)} s)`)
}
