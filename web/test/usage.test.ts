import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

const dayMilliseconds = 86_400_000

test('what was used shows now and over time, as a chart and in a table, and near the limit the way to more', async () => {
  const { business, token, apiKeys } = await web.signUp({ business: { name: 'Acme' } })
  const consume = (amount: number) =>
    web.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key })
  web.ok(await consume(30))
  await web.advance(86_400)
  web.ok(await consume(55))
  const { page, go, see, look, sound, complaints, close } = await web.visit({ token })
  await go(`/b/${business.id}/usage`)
  await see('Usage')
  await page.getByRole('meter', { name: 'Recordings' }).waitFor()
  expect(await page.getByRole('meter', { name: 'Recordings' }).getAttribute('aria-valuetext')).toMatch(/85 of 100/)
  await page.getByRole('link', { name: 'See plans' }).first().waitFor()
  const day = (at: number) =>
    new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(at))
  const today = Math.floor(web.ctx.now().getTime() / dayMilliseconds) * dayMilliseconds
  const table = page.getByRole('table', { name: 'recordings by day' })
  const rows = await table.getByRole('row').allInnerTexts()
  expect(rows.slice(1, 3).map((row) => row.split(/\s*\n\s*|\t/).filter(Boolean))).toEqual([
    [day(today), '55', '85'],
    [day(today - dayMilliseconds), '30', '30'],
  ])
  await page.getByRole('img', { name: /^Recordings by day: 85 in all, most on .* with 55\./ }).waitFor()
  await page.getByLabel('View').selectOption('total')
  await page.getByText('Limit 100').waitFor()
  await sound('usage')
  // On a phone as well a day is a line, with its numbers below what they are.
  await look({ width: 360, scheme: 'light' })
  const line = table.getByRole('row').nth(1)
  expect((await line.boundingBox())?.height).toBeLessThan(40)
  const edges = (cells: Locator[]) =>
    Promise.all(cells.map(async (cell) => Math.round(((await cell.boundingBox()) ?? { x: 0 }).x)))
  expect(await edges(await line.getByRole('cell').all())).toEqual(
    await edges(await table.getByRole('columnheader').all()),
  )
  await look({ width: 1280, scheme: 'light' })
  await page.getByLabel('Period').selectOption('week')
  await page.getByLabel('Feature').selectOption('applications')
  await page.getByText('No applications in these days.').waitFor()
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    feature: 'applications',
    days: 'week',
    shown: 'total',
  })
  await page.reload()
  await see('Usage')
  await expect.poll(() => page.getByLabel('Period').inputValue()).toBe('week')

  // Days of one's own begin as those in sight, and can be sent to somebody.
  await page.getByLabel('Feature').selectOption('recordings')
  await page.getByLabel('Period').selectOption('chosen')
  await expect.poll(() => page.getByLabel('Until').inputValue()).toBe(new Date(today).toISOString().slice(0, 10))
  await page.getByLabel('From').fill(new Date(today - dayMilliseconds).toISOString().slice(0, 10))
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2)
  await expect.poll(() => table.getByRole('row').count()).toBe(3)
  await page.reload()
  await see('Usage')
  await expect.poll(() => table.getByRole('row').count()).toBe(3)
  await page.goto(`/b/${business.id}/usage?days=nonsense&from=2026-13-40&to=x&more=1`)
  await see('Usage')
  await expect.poll(() => page.getByLabel('Period').inputValue()).toBe('period')
  expect(complaints).toEqual([])
  await close()
})
