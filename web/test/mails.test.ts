import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import recorder from '../../examples/session-recorder/freehold.config.ts'
import { renderMail } from '../../server/src/mail/layout.ts'
import { sampleMails } from '../../server/src/mail/samples.ts'
import { violations } from './axe.ts'
import { openWeb } from './pages.ts'
import { launchChromium, unoptimised } from './chromium.ts'

const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))
const sender = {
  product: recorder,
  settings: { publicUrl: 'https://app.recorder.test', production: false, rateLimits: true, socialSignIn: {} },
}
const samples = Object.entries(sampleMails(sender)).map(([name, mail]) => ({ name, ...renderMail(sender, mail) }))

describe('every mail', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium(unoptimised)
    await mkdir(screenshots, { recursive: true })
  })
  afterAll(() => browser.close())

  test(
    'can be read narrow and wide, light and dark, with no barrier that axe finds',
    { timeout: 600_000 },
    async () => {
      const context = await browser.newContext({ viewport: { width: 360, height: 640 } })
      const page = await context.newPage()
      for (const { name, html } of samples) {
        await page.setContent(html)
        for (const scheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme: scheme })
          for (const width of [640, 360]) {
            await page.setViewportSize({ width, height: 640 })
            await page.screenshot({
              path: `${screenshots}mail-${name.replaceAll(/\W+/g, '-')}-${width}-${scheme}.png`,
              fullPage: true,
            })
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            )
            expect({ name, width, scheme, overflow }).toEqual({ name, width, scheme, overflow: 0 })
          }
          // A mail is part of its program's page: the landmarks are that page's.
          const found = await violations(page, {
            rules: { 'landmark-one-main': { enabled: false }, region: { enabled: false } },
          })
          const barriers = found.map(({ id, nodes }) => `${id} ${nodes[0]?.failureSummary}`)
          expect({ name, scheme, barriers }).toEqual({ name, scheme, barriers: [] })
        }
      }
      await context.close()
    },
  )
})

describe('a mail is shown', () => {
  let web: Awaited<ReturnType<typeof openWeb>>
  beforeAll(async () => (web = await openWeb()))
  afterAll(() => web.close())

  test('in the mailbox of a development server, as it looks and as text, beside samples of all', async () => {
    const { user } = await web.signUp({ business: { name: '<img src=x onerror=alert(1)>' } })
    const visitor = await web.visit()
    await visitor.go('/dev/mailbox')
    await visitor.page.getByRole('link', { name: 'Confirm your e-mail for Session Recorder' }).first().click()
    await visitor.see('Confirm your e-mail for Session Recorder')
    await expect.poll(() => visitor.page.locator('pre').innerText()).toContain(user.email)
    const frame = visitor.page.frameLocator('iframe').first()
    await frame.getByRole('link', { name: 'Confirm e-mail' }).waitFor()
    await visitor.go('/dev/mailbox/samples')
    expect(await visitor.barriers()).toEqual([])
    await expect.poll(() => visitor.page.getByRole('listitem').count()).toBe(samples.length)
    await visitor.page.getByRole('link', { name: 'invoice due, renewal' }).click()
    await visitor.page.frameLocator('iframe').first().getByRole('heading', { name: 'Growth is renewed' }).waitFor()
    await visitor.screenshot('mail-sample')
    expect(visitor.complaints).toEqual([])
    for (const path of ['mai_nothing', 'mai_nothing/html', 'samples/nothing', 'samples/nothing/html']) {
      expect((await fetch(`${web.base}/dev/mailbox/${path}`)).status).toBe(404)
    }
    await visitor.close()
  })

  test('to staff in the console, without the secrets of its links', async () => {
    const { user, token } = await web.signUp()
    await web.makeStaff(user.id)
    const { items } = web.ok(await web.api.get('/v1/staff/mails', { token }))
    const { id } = items.find(({ to }: { to: string }) => to === user.email)
    const visitor = await web.visit({ token })
    await visitor.go(`/console/mail/${id}`)
    const link = visitor.page.frameLocator('iframe').getByRole('link', { name: 'Confirm e-mail' })
    await link.waitFor()
    expect(await link.getAttribute('href')).toMatch(/\/verify-email#token=…$/)
    expect(visitor.complaints).toEqual([])
    const { headers } = await fetch(`${web.base}/v1/staff/mails/${id}/html`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
    expect((await web.api.get(`/v1/staff/mails/${id}/html`)).status).toBe(401)
    await visitor.close()
  })
})
