/**
 * How many due subscriptions a second the renewal sweep brings up to now, beside the plain loop that locks, advances and
 * writes them one by one: node --conditions=freehold-source bench/renewal.ts [subscriptions] [plain|overage|rollover|change]
 *
 * Durable PostgreSQL of its own; every business has two open counters. With overage each has used more than its plan
 * includes and gets an invoice for it; with rollover each has something left over and gets a grant; with change each
 * moves to another plan, as when a version was published for when they renew.
 */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { pino } from 'pino'
import sessionRecorder from '../examples/session-recorder/freehold.config.ts'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { acrossBusinesses } from '../server/src/db/transactions.ts'
import { createFreehold } from '../server/src/freehold.ts'
import { days, usd } from '../server/src/prices.ts'
import { defineProduct } from '../server/src/product.ts'
import { renewDue } from '../server/src/subscriptions/renewal.ts'
import { lockSubscription } from '../server/src/subscriptions/subscriptions.ts'
import { makeDue, seedDue } from './due.ts'

const subscriptions = Number(process.argv[2] ?? 100_000)
const kind = process.argv[3] ?? 'plain'
const sample = Math.min(2000, subscriptions)
const root = fileURLToPath(new URL('..', import.meta.url))
const dataDir = join(dirname(defaultDataDir(root)), `freehold-renewal-${process.pid}`)

const product = {
  plain: sessionRecorder,
  overage: selling('overage'),
  rollover: selling('rollover'),
  change: selling('change'),
}[kind]
if (!product) throw new Error(`There is no ${kind}: plain, overage, rollover or change`)

const embedded = await openEmbedded({ dataDir })
const freehold = await createFreehold({
  product,
  database: embedded.url,
  secret: 'a secret of at least thirty-two characters',
  logger: pino({ level: 'warn' }),
})
const { ctx } = freehold
const client = new pg.Client({ connectionString: embedded.url })
try {
  await client.connect()
  await seedDue(client, subscriptions)
  if (kind === 'change') await scheduleChanges()
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
    await makeDue(client)
    if (kind === 'change') await scheduleChanges()
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
  await client.end()
  await freehold.close()
  await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
}

function selling(what: 'overage' | 'rollover' | 'change') {
  const recordings = what === 'overage' ? { limit: 5, overage: { price: usd(10) } } : 100
  const terms = { cycle: days(15), price: usd(0), includes: { applications: 10, recordings } }
  return defineProduct({
    name: 'Renewal',
    features: {
      applications: { kind: 'allocated' },
      recordings: { kind: 'metered', rollover: what === 'rollover' ? 50 : 0 },
    },
    plans: { free: { name: 'Free', ...terms }, next: { name: 'Next', ...terms } },
    signup: { plan: 'free' },
  })
}

/** The cycle's end brings another plan. */
async function scheduleChanges(): Promise<void> {
  await client.query(
    `update freehold.subscriptions
     set pending_change = jsonb_build_object('planVersionId', p.id, 'price', 'default')
     from freehold.plan_versions p
     where p.plan_key = 'next'`,
  )
  await client.query('vacuum analyze freehold.subscriptions')
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
