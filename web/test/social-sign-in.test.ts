import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openIdentityProvider, type IdentityProvider } from '../../server/test/identity-provider.ts'
import { openWeb } from './pages.ts'

/** Signing in with a provider, in a browser that really goes there and comes back. */

let provider: IdentityProvider
let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  provider = await openIdentityProvider()
  web = await openWeb({ socialSignIn: provider.socialSignIn })
  // The provider leads back to where the pages are, which has a port only now.
  web.ctx.settings.publicUrl = web.base
})
beforeEach(() => {
  provider.state.fault = undefined
})
afterAll(async () => {
  await web.close()
  await provider.close()
})

test('somebody new says what the business is called, is in, and comes back another day', async () => {
  provider.sees({ id: '31', email: 'ann@acme.test', verified: true, firstName: 'Ann', lastName: 'Archer' })
  const { page, go, see, screenshot, barriers, complaints, close } = await web.visit()
  await go('/sign-up')
  await see('Create your account')
  await screenshot('sign-up-social')
  expect(await barriers()).toEqual([])
  await page.getByRole('button', { name: 'Continue with Google' }).click()
  await see('One thing is left')
  expect(page.url()).toBe(`${web.base}/sign-up`)
  expect(await page.getByLabel('First name').inputValue()).toBe('Ann')
  expect(await page.getByLabel('E-mail').inputValue()).toBe('ann@acme.test')
  expect(await page.getByLabel('E-mail').isEditable()).toBe(false)
  await screenshot('finish-sign-up')
  expect(await barriers()).toEqual([])
  await page.getByLabel('Business name').fill('Acme')
  await page.getByRole('button', { name: 'Create account' }).click()
  await see('Acme')
  const { url } = { url: page.url() }

  await page.getByRole('button', { name: 'Sign out' }).click()
  await see('Sign in')
  await go(`${new URL(url).pathname}/team`)
  await see('Sign in')
  await screenshot('sign-in-social')
  expect(await barriers()).toEqual([])
  await page.getByRole('button', { name: 'Continue with Google' }).click()
  await see('Team')
  expect(page.url()).toBe(`${url}/team`)
  expect(complaints).toEqual([])
  await close()
})
