import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect, inject } from 'vitest'
import { createTestFreehold } from '../../server/test/harness.ts'
import type { FreeholdOptions } from '../../server/src/options.ts'
import { violations } from './axe.ts'
import { launchChromium, unoptimised } from './chromium.ts'

const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))

export type Visitor = Awaited<ReturnType<typeof visit>>

/** A product with its portal, and a browser that looks at it. */
export async function openWeb(options: Omit<Partial<FreeholdOptions>, 'database'> = {}) {
  const problem = inject('webProblem')
  if (problem !== undefined) throw new Error(problem)
  await mkdir(screenshots, { recursive: true })
  const browser = await launchChromium(unoptimised)
  const freehold = await createTestFreehold({ portal: { basePath: '/' }, ...options })
  const known = new Map<string, Visitor>()
  return {
    ...freehold,
    /** Somebody with a browser of their own; with a token, signed in. */
    visit: (who: { token?: string; width?: number; scheme?: 'light' | 'dark' } = {}) =>
      visit(browser, freehold.base, who),
    /** Who has looked around here before, with the scripts at hand: a screen costs half of what it costs at first. */
    comeBack: async (who: { token: string }) => {
      const visitor = known.get(who.token) ?? (await visit(browser, freehold.base, who))
      known.set(who.token, visitor)
      await visitor.look({ width: 1280, scheme: 'light' })
      return visitor
    },
    close: async () => {
      await browser.close()
      await freehold.close()
    },
  }
}

async function visit(
  browser: Browser,
  base: string,
  { token, width = 1280, scheme = 'light' }: { token?: string; width?: number; scheme?: 'light' | 'dark' },
) {
  const context = await browser.newContext({
    baseURL: base,
    viewport: { width, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  if (token !== undefined) await signIn(context, base, token)
  context.setDefaultTimeout(60_000)
  await context.addInitScript(watch)
  const page = await context.newPage()
  const complaints = listen(page)
  const look = async ({ width: wide, scheme: shade }: Look) => {
    await page.setViewportSize({ width: wide, height: 800 })
    await page.emulateMedia({ colorScheme: shade })
  }
  const screenshot = (name: string) => page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
  /** What axe finds, as lines that say what and where. */
  const barriers = async ({ coloursOnly = false } = {}) => {
    const found = await violations(
      page,
      coloursOnly
        ? { runOnly: { type: 'rule', values: colourRules } }
        : { rules: { 'target-size': { enabled: true } } },
    )
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary}`),
    )
  }
  /** By how much the page is wider than the window. */
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  return {
    page,
    /** What the console said, what could not be loaded, what broke: nothing of it belongs to a page that works. */
    complaints,
    go: (path: string) => page.goto(path),
    /** Waits for a screen, by its one h1, and until nothing on it is still being loaded. */
    see: async (heading: string) => {
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
    },
    look,
    screenshot,
    barriers,
    overflow,
    /** Looks at the page narrow and wide, light and dark: no barrier, nothing beside the window, and two pictures of it. */
    sound: async (name: string, schemes: readonly Look['scheme'][] = ['light', 'dark']) => {
      for (const width of [1280, 360]) {
        for (const scheme of schemes) {
          await look({ width, scheme })
          // Two of the four show what there is to see, and pictures take their time.
          if (schemes.length === 1 || (width === 1280) === (scheme === 'light'))
            await screenshot(`${name}-${width}-${scheme}`)
          const at = { name, width, scheme }
          expect({ ...at, overflow: await overflow() }).toEqual({ ...at, overflow: 0 })
          // What is not about colours is the same in the dark.
          const found = await barriers({ coloursOnly: scheme === 'dark' })
          expect({ ...at, barriers: found }).toEqual({ ...at, barriers: [] })
        }
      }
      await look({ width: 1280, scheme: 'light' })
    },
    /** Moves the focus on until it is on what is called so, as somebody without a mouse does. */
    tabTo: async (name: string) => {
      for (let presses = 0; presses < 80; presses += 1) {
        await page.keyboard.press('Tab')
        if ((await page.evaluate(focusedName)).includes(name)) return
      }
      throw new Error(`${name} cannot be reached`)
    },
    /** How much of what was in sight has moved, as browsers score it: 0 is nothing. */
    shift: () => page.evaluate(() => (globalThis as unknown as Watched).shifted),
    close: () => context.close(),
  }
}

type Look = { width: number; scheme: 'light' | 'dark' }
type Watched = { shifted: number }

const colourRules = ['color-contrast', 'link-in-text-block']

/** Runs in every page before anything else: what the browser refuses by policy, and what moves, is found by no query. */
function watch(): void {
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    console.error(`refused by policy: ${violatedDirective} ${blockedURI}`),
  )
  const watched = globalThis as unknown as Watched
  watched.shifted = 0
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
      if (!entry.hadRecentInput) watched.shifted += entry.value
    }
  }).observe({ type: 'layout-shift', buffered: true })
}

function focusedName(): string {
  const element = document.activeElement
  // On its way around, where nothing has the focus.
  if (element === document.body) return ''
  const labels = (element as HTMLInputElement | null)?.labels
  return element?.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element?.textContent ?? ''
}

const signIn = (context: BrowserContext, base: string, token: string) =>
  context.addCookies([{ name: 'freehold-session', value: token, url: base, httpOnly: true, sameSite: 'Lax' }])

function listen(page: Page): string[] {
  const complaints: string[] = []
  // axe puts itself into every frame; into a mail's preview, where nothing may run, it is not let.
  page.on('console', (message) => {
    if (!/^Blocked script execution in '.*\/html'/.test(message.text())) complaints.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    // Of a page that was left meanwhile.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`)
  })
  return complaints
}
