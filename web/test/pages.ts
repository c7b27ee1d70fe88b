import { AxeBuilder } from '@axe-core/playwright'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { inject } from 'vitest'
import { createTestFreehold } from '../../server/test/harness.ts'
import type { FreeholdOptions } from '../../server/src/freehold.ts'
import { launchChromium } from './chromium.ts'

const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))

export type Visitor = Awaited<ReturnType<Awaited<ReturnType<typeof openWeb>>['visit']>>

/** A product with its portal, and a browser that looks at it. */
export async function openWeb(options: Omit<Partial<FreeholdOptions>, 'database'> = {}) {
  const problem = inject('webProblem')
  if (problem !== undefined) throw new Error(problem)
  await mkdir(screenshots, { recursive: true })
  const browser = await launchChromium()
  const freehold = await createTestFreehold({ portal: { basePath: '/' }, ...options })
  return {
    ...freehold,
    /** Somebody with a browser of their own; with a token, signed in. */
    visit: (who: { token?: string; width?: number; scheme?: 'light' | 'dark' } = {}) =>
      visit(browser, freehold.base, who),
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
  const page = await context.newPage()
  const complaints = listen(page)
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
    look: async ({ width: wide, scheme: shade }: { width: number; scheme: 'light' | 'dark' }) => {
      await page.setViewportSize({ width: wide, height: 800 })
      await page.emulateMedia({ colorScheme: shade })
    },
    screenshot: (name: string) => page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true }),
    /** What axe finds, as lines that say what and where. */
    barriers: async () => {
      // Legacy: within the page itself. There are no frames in it, and otherwise each look opens a page of its own.
      const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] })
      const { violations } = await axe.analyze()
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary}`),
      )
    },
    /** By how much the page is wider than the window. */
    overflow: () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    close: () => context.close(),
  }
}

const signIn = (context: BrowserContext, base: string, token: string) =>
  context.addCookies([{ name: 'freehold-session', value: token, url: base, httpOnly: true, sameSite: 'Lax' }])

function listen(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`console: ${message.text()}`))
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
