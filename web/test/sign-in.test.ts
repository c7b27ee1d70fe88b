import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openWeb } from './pages.ts'
import { totp } from './totp.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb({ worker: true })
})
afterAll(() => web.close())

async function signIn(page: Awaited<ReturnType<typeof web.visit>>['page'], email: string, secret = password) {
  await page.getByLabel('E-mail', { exact: true }).fill(email)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function signUp(page: Awaited<ReturnType<typeof web.visit>>['page'], email: string) {
  await page.getByLabel('First name').fill('Ann')
  await page.getByLabel('Last name').fill('Archer')
  await page.getByLabel('E-mail', { exact: true }).fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByLabel('Business name').fill('Acme')
  await page.getByRole('button', { name: 'Create account' }).click()
}

test('signing in leads back to what was asked for, and out again to nothing of it', async () => {
  const { business, user } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, close } = await web.visit()
  await go(`/b/${business.id}/team?page=2`)
  await see('Sign in')
  await signIn(page, user.email, 'wrong horse battery')
  await page.getByRole('alert').getByText('E-mail or password is wrong').waitFor()
  await signIn(page, user.email)
  await see('Team')
  expect(page.url()).toBe(`${web.base}/b/${business.id}/team?page=2`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await see('Sign in')
  await page.goBack()
  await see('Sign in')
  await close()
})

test.each(['https://evil.test/', '//evil.test/', '/\\evil.test', 'javascript:alert(1)'])(
  'signing in never leads to %s',
  async (next) => {
    const { user } = await web.signUp({ business: { name: 'Acme' } })
    const { page, go, see, close } = await web.visit()
    await go(`/sign-in?next=${encodeURIComponent(next)}`)
    await signIn(page, user.email)
    await page.waitForTimeout(1500)
    await see('Acme')
    expect(new URL(page.url()).origin).toBe(web.base)
    await close()
  },
)

test('whoever is signed in already goes on at once, to the console too', async () => {
  const { token, user } = await web.signUp({ business: { name: 'Acme' } })
  await web.makeStaff(user.id)
  const { page, go, see, complaints, close } = await web.visit({ token })
  await go(`/sign-in?next=${encodeURIComponent('/account/security')}`)
  await see('Security')
  await go(`/sign-up?next=${encodeURIComponent('/console')}`)
  await see('To do')
  await go(`/sign-in?next=${encodeURIComponent('//evil.test/')}`)
  await see('Your businesses')
  expect(page.url()).toBe(`${web.base}/businesses`)
  expect(complaints).toEqual([])
  await close()
})

test('signing up leads to what was asked for, also from the sign-in', async () => {
  const { page, go, see, complaints, close } = await web.visit()
  await go(`/sign-in?next=${encodeURIComponent('/account/security')}`)
  await page.getByRole('link', { name: 'Create one' }).click()
  await see('Create your account')
  expect(new URL(page.url()).searchParams.get('next')).toBe('/account/security')
  await signUp(page, 'asked@acme.test')
  await see('Security')
  expect(complaints).toEqual([])
  await close()
})

test.each(['https://evil.test/', '//evil.test/', '/\\evil.test', 'javascript:alert(1)'])(
  'signing up never leads to %s',
  async (next) => {
    const { page, go, see, close } = await web.visit()
    await go(`/sign-up?next=${encodeURIComponent(next)}`)
    expect(await page.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/sign-in')
    await signUp(page, `new${next.length}@acme.test`)
    await see('Acme')
    expect(new URL(page.url()).pathname).toMatch(/^\/b\/biz_/)
    expect(new URL(page.url()).origin).toBe(web.base)
    await close()
  },
)

test('where the portal stands below a path, it stays there', async () => {
  const mounted = await openWeb({ portal: { basePath: '/account' } })
  const { business, user } = await mounted.signUp({ business: { name: 'Acme' } })
  const { page, go, see, complaints } = await mounted.visit()
  await go(`/account/b/${business.id}/team`)
  await see('Sign in')
  await signIn(page, user.email)
  await see('Team')
  expect(page.url()).toBe(`${mounted.base}/account/b/${business.id}/team`)
  await page.getByRole('link', { name: 'Overview' }).click()
  await see('Acme')
  await page.reload()
  await see('Acme')
  expect(complaints).toEqual([])
  // What stands beside it is the application's own.
  const other = await mounted.visit()
  await other.go(`/account/sign-in?next=${encodeURIComponent('/orders?page=2')}`)
  await signIn(other.page, user.email)
  await other.page.waitForURL(`${mounted.base}/orders?page=2`)
  await other.page.getByText('not_found').waitFor()
  await mounted.close()
})

test('a second factor is asked for, and a stale page of it starts again', async () => {
  const { user, token } = await web.signUp({ business: { name: 'Acme' } })
  const { uri } = web.ok(await web.api.post('/v1/me/two-factor', { password }, { token }))
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  web.ok(await web.api.post('/v1/me/two-factor/confirm', { code: totp(secret) }, { token }))
  const { page, go, see, sound, close } = await web.visit()
  await go('/sign-in')
  await signIn(page, user.email)
  await see('Two-factor sign-in')
  await sound('two-factor')
  await page.getByLabel('Code', { exact: true }).fill('000000')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Code', { exact: true }).fill(totp(secret))
  await page.getByRole('button', { name: 'Continue' }).click()
  await see('Acme')
  await page.context().clearCookies()
  await go('/sign-in/2fa')
  await see('Sign in')
  await close()
})

test('a forgotten password is set anew by the mailed link, and the answer never says whether the e-mail is known', async () => {
  const { user } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, close } = await web.visit()
  for (const email of ['nobody@acme.test', user.email]) {
    await go('/forgot-password')
    await page.getByLabel('E-mail', { exact: true }).fill(email)
    await page.getByRole('button', { name: 'Send the link' }).click()
    await see('Check your mail')
  }
  const token = await web.eventually(() => web.mailedToken(user.email, 'password-reset').catch(() => undefined))
  await go(`/reset-password#token=${token}`)
  await see('Choose a new password')
  expect(page.url()).toBe(`${web.base}/reset-password`)
  await page.getByLabel('New password', { exact: true }).fill('short')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.waitForTimeout(1500)
  await page.getByText('At least 8 characters.').waitFor()
  await page.getByLabel('New password', { exact: true }).fill('another horse battery')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await see('Acme')
  await close()
})

test('a session that ends elsewhere leads to sign-in and back', async () => {
  const { business, user, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, close } = await web.visit({ token })
  await go(`/b/${business.id}`)
  await see('Acme')
  await page.waitForLoadState('networkidle')
  await web.api.post('/v1/logout', {}, { token })
  await page.getByRole('link', { name: 'Team' }).click()
  await see('Sign in')
  await signIn(page, user.email)
  await see('Team')
  await close()
})

test('two tabs on two businesses each show their own', async () => {
  const first = await web.signUp({ business: { name: 'First' } })
  const second = web.ok(await web.api.post('/v1/businesses', { name: 'Second' }, { token: first.token }))
  const { page, go, see, close } = await web.visit({ token: first.token })
  await go(`/b/${first.business.id}`)
  await see('First')
  const other = await page.context().newPage()
  await other.goto(`${web.base}/b/${second.business.id}`)
  await other.getByRole('heading', { name: 'Second', level: 1 }).waitFor()
  expect(await page.title()).toBe('First – Session Recorder')
  expect(await other.title()).toBe('Second – Session Recorder')

  // What is done in each happens in its own, whichever was looked at last.
  const invite = async (tab: typeof page, email: string) => {
    await tab.getByRole('link', { name: 'Team', exact: true }).click()
    await tab.getByRole('heading', { name: 'Team', level: 1 }).waitFor()
    await tab.getByRole('button', { name: 'Invite people' }).click()
    await tab.getByLabel('E-mails').fill(email)
    await tab.getByRole('button', { name: 'Send invitations' }).click()
    await tab.getByText('Invited', { exact: true }).waitFor()
    await tab.getByRole('button', { name: 'Done' }).click()
    await tab.getByRole('table', { name: 'Invitations' }).getByText(email).waitFor()
  }
  await invite(page, 'one@tabs.test')
  await invite(other, 'two@tabs.test')
  const invited = async ({ id }: { id: string }) =>
    web
      .ok(await web.api.get(`/v1/businesses/${id}/invitations`, { token: first.token }))
      .items.map((each: { email: string }) => each.email)
  expect(await invited(first.business)).toEqual(['one@tabs.test'])
  expect(await invited(second.business)).toEqual(['two@tabs.test'])
  await page.reload()
  await see('Team')
  await page.getByText('one@tabs.test').waitFor()
  expect(await page.getByText('two@tabs.test').count()).toBe(0)
  await close()
})

test('what takes its time shows its shape after a moment, and what could not be loaded keeps what is around it', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, sound, complaints, close } = await web.visit({ token })
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/members?*', async (route) => {
    await held
    await route.continue()
  })
  await go(`/b/${business.id}/team`)
  await page.getByRole('heading', { level: 1, name: 'Team' }).waitFor()
  const shape = page.locator('[aria-busy="true"] .mantine-Skeleton-root').first()
  await shape.waitFor({ state: 'visible' })
  release()
  await see('Team')
  await page.getByRole('table', { name: 'Members' }).waitFor()
  expect(await shape.count()).toBe(0)
  expect(complaints).toEqual([])

  // The screen itself does not come: a part of the pages, not of what they show.
  await page.route('**/assets/support-access*', (route) => route.abort())
  await page.getByRole('link', { name: 'Support access', exact: true }).click()
  await see('This page did not work')
  await page.getByText('The server cannot be reached. Are you online?').waitFor()
  await page.getByRole('link', { name: 'Team', exact: true }).waitFor()
  await sound('screen-not-loaded')
  await page.unroute('**/assets/support-access*')
  await page.getByRole('button', { name: 'Retry' }).click()
  await see('Support access')
  await close()
})

test('what goes wrong is said in place, with the request to ask about, and can be tried again', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, screenshot, barriers, close } = await web.visit({ token })
  let isBroken = true
  await page.route('**/entitlements', (route) =>
    isBroken
      ? route.fulfill({
          status: 500,
          contentType: 'application/problem+json',
          body: JSON.stringify({ status: 500, code: 'internal_error', title: 'Something broke', requestId: 'req_7' }),
        })
      : route.continue(),
  )
  await go(`/b/${business.id}`)
  await see('Acme')
  await page.getByText('Request req_7').waitFor()
  await screenshot('error')
  expect(await barriers()).toEqual([])
  isBroken = false
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('meter', { name: 'Recordings' }).waitFor()
  await close()
})
