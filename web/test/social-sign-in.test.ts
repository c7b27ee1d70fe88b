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
  await expect.poll(() => page.getByLabel('First name').inputValue()).toBe('Ann')
  await expect.poll(() => page.getByLabel('E-mail').inputValue()).toBe('ann@acme.test')
  expect(await page.getByLabel('E-mail').isEditable()).toBe(false)
  await screenshot('finish-sign-up')
  expect(await barriers()).toEqual([])
  await page.getByLabel('Business name').fill('Acme')
  await page.getByRole('button', { name: 'Create account' }).click()
  await see('Acme')
  const url = page.url()

  await page.getByRole('button', { name: 'Sign out' }).click()
  await see('Sign in')
  await go(`${new URL(url).pathname}/team`)
  await see('Sign in')
  await screenshot('sign-in-social')
  expect(await barriers()).toEqual([])
  await page.getByRole('button', { name: 'Continue with Google' }).click()
  await see('Team')
  expect(page.url()).toBe(`${url}/team`)
  await go('/account/security')
  await see('Security')
  await page.getByText('It is your only way to sign in.').waitFor()
  await page.getByRole('link', { name: 'Set a password' }).waitFor()
  await screenshot('security-social')
  expect(await barriers()).toEqual([])
  expect(complaints).toEqual([])
  await close()
})

test('somebody new ends up where they were going', async () => {
  provider.sees({ id: '35', email: 'new@acme.test', verified: true, firstName: 'Nan', lastName: 'New' })
  const { page, go, see, close } = await web.visit()
  await go(`/sign-up?next=${encodeURIComponent('/account/sessions')}`)
  await see('Create your account')
  await page.getByRole('button', { name: 'Continue with GitHub' }).click()
  await see('One thing is left')
  await page.getByLabel('Business name').fill('Acme')
  await page.getByRole('button', { name: 'Create account' }).click()
  await see('Devices')
  await close()
})

test('an invitation goes there and comes back, and lets in whoever has its e-mail', async () => {
  const owner = await web.signUp({ business: { name: 'Bolt' } })
  const invite = { email: 'ben@bolt.test', role: 'member' }
  web.ok(await web.api.post(`/v1/businesses/${owner.business.id}/invitations`, invite, { token: owner.token }))
  const { page, go, see, screenshot, barriers, close } = await web.visit()
  await go(`/join#token=${await web.mailedToken(invite.email)}`)
  await see('Join Bolt')
  provider.sees({ id: '41', email: 'somebody@else.test', verified: true, firstName: 'Some', lastName: 'Body' })
  await page.getByRole('button', { name: 'Continue with GitHub' }).click()
  await page.getByText('You have come back as somebody@else.test.').waitFor()
  await screenshot('join-introduced-as-other')
  expect(await barriers()).toEqual([])
  provider.sees({ id: '42', email: invite.email, verified: true, firstName: 'Ben', lastName: 'Baker' })
  await page.getByRole('button', { name: 'Continue with GitHub' }).click()
  await page.getByLabel('First name').waitFor()
  await page.waitForFunction(() => document.querySelector('input[type=password]') === null)
  await expect.poll(() => page.getByLabel('First name').inputValue()).toBe('Ben')
  await page.getByRole('button', { name: 'Join', exact: true }).click()
  await see('Bolt')
  await close()
})

test('what goes wrong there ends on a page that says what to do', async () => {
  const squatted = await web.signUp({ email: 'cid@acme.test' })
  const { page, go, see, screenshot, barriers, close } = await web.visit()
  const leave = async () => {
    await go('/sign-in')
    await see('Sign in')
    await page.getByRole('button', { name: 'Continue with Google' }).click()
    await see('Signing in with Google did not work')
    expect(page.url()).toBe(`${web.base}/sign-in/google`)
  }
  provider.state.fault = 'denies'
  await leave()
  await page.getByText('You have not let it tell us who you are.').waitFor()
  provider.state.fault = 'signs with another key'
  await leave()
  await page.getByText('Google did not confirm who you are').waitFor()
  await screenshot('social-failed')
  expect(await barriers()).toEqual([])
  provider.state.fault = undefined
  provider.sees({ id: '51', email: squatted.user.email, verified: true })
  await leave()
  await page.getByRole('link', { name: 'Reset the password' }).click()
  await see('Forgot your password?')
  await go('/sign-in/google?code=stolen&state=stolen')
  await see('Signing in with Google did not work')
  await page.getByRole('link', { name: 'Back to sign-in' }).click()
  await see('Sign in')
  await close()
})
