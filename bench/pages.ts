/**
 * How long until the largest part of a page is painted, with nothing kept from before: in a real Chromium, on a line that
 * is not next door (40 ms, 10 Mbit/s). `node --conditions=freehold-source bench/pages.ts [rounds]`
 */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import product from '../examples/session-recorder/freehold.config.ts'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { createFreehold } from '../server/src/freehold.ts'
import { buildWeb } from '../web/build.ts'
import { launchChromium, unpackChromium } from '../web/test/chromium.ts'

const rounds = Number(process.argv[2] ?? 5)
const root = fileURLToPath(new URL('..', import.meta.url))
const dataDir = join(dirname(defaultDataDir(root)), `freehold-pages-${process.pid}`)

// As text: what runs in a page has types that programs of a server do not.
const watch = `
  globalThis.seen = { largestPaint: 0, shifted: 0 }
  new PerformanceObserver((list) => {
    seen.largestPaint = list.getEntries().at(-1).startTime
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) seen.shifted += value
  }).observe({ type: 'layout-shift', buffered: true })
`

await Promise.all([buildWeb(), unpackChromium()])
const embedded = await openEmbedded({ dataDir })
const freehold = await createFreehold({
  product,
  database: embedded.url,
  secret: 'a secret of at least thirty-two characters',
  publicUrl: 'http://localhost:3000',
  portal: { basePath: '/' },
  rateLimits: false,
  worker: false,
  logger: pino({ level: 'warn' }),
})
const server = await freehold.server()
await server.listen({ port: 0, host: '127.0.0.1' })
const { port } = server.server.address() as { port: number }
const base = `http://127.0.0.1:${port}`
const browser = await launchChromium()
try {
  const { business, user, token } = await signUp()
  await freehold.ctx.db.across.insertInto('staff').values({ userId: user.id, createdAt: freehold.ctx.now() }).execute()
  for (const path of [
    '/sign-in',
    `/b/${business.id}`,
    `/b/${business.id}/team`,
    `/b/${business.id}/usage`,
    '/console',
    '/console/metrics',
  ]) {
    const seen: Seen[] = []
    for (let round = 0; round < rounds; round++) seen.push(await look(path, path === '/sign-in' ? undefined : token))
    const paints = seen.map(({ largestPaint }) => largestPaint).toSorted((one, other) => one - other)
    const median = paints[Math.floor(paints.length / 2)] ?? 0
    const shift = Math.max(...seen.map(({ shifted }) => shifted))
    const name = path.replace(business.id, ':id').padEnd(16)
    console.log(
      `${name} largest paint ${median.toFixed(0)} ms (${paints[0]?.toFixed(0)}–${paints.at(-1)?.toFixed(0)}), layout shift ${shift.toFixed(3)}`,
    )
  }
} finally {
  await browser.close()
  await server.close()
  await freehold.close()
  await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
}

type SignedUp = { business: { id: string }; user: { id: string }; token: string }

async function signUp(): Promise<SignedUp> {
  const answer = await fetch(`${base}/v1/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      business: { name: 'Acme' },
      email: 'ann@acme.test',
      password: 'correct horse battery',
      firstName: 'Ann',
      lastName: 'Archer',
    }),
  })
  return (await answer.json()) as SignedUp
}

type Seen = { largestPaint: number; shifted: number }

/** A browser context of its own keeps nothing of the one before. */
async function look(path: string, token: string | undefined): Promise<Seen> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  if (token !== undefined) await context.addCookies([{ name: 'freehold-session', value: token, url: base }])
  await context.addInitScript({ content: watch })
  const page = await context.newPage()
  const line = await context.newCDPSession(page)
  await line.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 40,
    downloadThroughput: 10_000_000 / 8,
    uploadThroughput: 10_000_000 / 8,
  })
  await page.goto(base + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen)
  await context.close()
  return seen
}
