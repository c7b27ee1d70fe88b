import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds in a page. It is put into each page once: reading it costs a page as much as it does looking around. */
export async function violations(page: Page, options: RunOptions): Promise<AxeResults['violations']> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source)
  return page.evaluate(run, options)
}

type WithAxe = { axe: { run: (options: RunOptions) => Promise<AxeResults> } }
const run = async (options: RunOptions) =>
  // Only what it finds, and within the page itself. The one frame there is, a mail's preview, runs nothing, so nothing
  // can look into it; the mails have a test of their own.
  (await (globalThis as unknown as WithAxe).axe.run({ ...options, resultTypes: ['violations'], iframes: false }))
    .violations
