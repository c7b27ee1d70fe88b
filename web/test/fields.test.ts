import { Type } from '../../server/src/index.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { days, usd } from '../../server/src/prices.ts'
import { defineProduct } from '../../server/src/product.ts'
import { openWeb } from './pages.ts'

const product = defineProduct({
  name: 'Fleet',
  fields: {
    business: Type.Object({
      country: Type.Enum(['de', 'fr', 'pl'], { title: 'Country' }),
      vehicles: Type.Integer({ title: 'Vehicles', minimum: 1, description: 'How many you run' }),
      newsletter: Type.Optional(Type.Boolean({ title: 'Send me news' })),
      taxNumber: Type.Optional(Type.String({ maxLength: 20 })),
    }),
    user: Type.Object({ phone: Type.Optional(Type.String({ title: 'Phone', maxLength: 20 })) }),
  },
  features: { trips: { kind: 'metered' } },
  plans: { free: { name: 'Free', cycle: days(30), price: usd(0), includes: { trips: 10 } } },
  signup: { mode: 'open', plan: 'free' },
})

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb({ product })
})
afterAll(() => web.close())

test('what a product wants to know is asked where one signs up, and can be changed, or taken away, in the settings', async () => {
  const { page, go, see, barriers, screenshot, close } = await web.visit()
  await go('/sign-up')
  await see('Create your account')
  await page.getByLabel('First name').fill('Ann')
  await page.getByLabel('Last name').fill('Lee')
  await page.getByLabel('E-mail').fill('ann@fleet.test')
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
  await page.getByLabel('Business name').fill('Acme')
  await page.getByLabel('Vehicles').fill('none')
  await screenshot('sign-up-fields')
  expect(await barriers()).toEqual([])
  await page.getByRole('button', { name: 'Create account' }).click()
  // What is missing or wrong stands at its field.
  await page.locator('[aria-invalid="true"]').first().waitFor()
  expect(await page.getByLabel('Country').getAttribute('aria-invalid')).toBe('true')
  expect(await page.getByLabel('Vehicles').getAttribute('aria-invalid')).toBe('true')
  await page.getByLabel('Country').selectOption('fr')
  await page.getByLabel('Vehicles').fill('12')
  await page.getByLabel('Send me news').check()
  await page.getByLabel('Tax number (optional)').fill('FR 1')
  await page.getByRole('button', { name: 'Create account' }).click()
  await see('Acme')

  const id = new URL(page.url()).pathname.split('/')[2] ?? ''
  const fields = async () => (await web.sql('select fields from freehold.businesses where id = $1', [id]))[0].fields
  expect(await fields()).toEqual({ country: 'fr', vehicles: 12, newsletter: true, taxNumber: 'FR 1' })
  await page.getByRole('link', { name: 'Settings' }).click()
  await see('Settings')
  await expect.poll(() => page.getByLabel('Vehicles').inputValue()).toBe('12')
  await page.getByLabel('Tax number (optional)').fill('')
  await page.getByLabel('Country').selectOption('pl')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  expect(await fields()).toEqual({ country: 'pl', vehicles: 12, newsletter: true })

  await page.getByRole('link', { name: 'Account' }).click()
  await see('Your profile')
  await page.getByLabel('Phone (optional)').fill('+48 1')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).last().waitFor()
  await web.eventually(
    async () =>
      (await web.sql("select fields from freehold.users where email = 'ann@fleet.test'"))[0].fields.phone === '+48 1',
    'the phone is kept',
  )
  await close()
})
