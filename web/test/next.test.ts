import Fastify from 'fastify'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { password } from '../../server/test/harness.ts'
import { openWeb } from './pages.ts'

/** Where somebody wanted to go outlasts the mail they have to wait for, and what is not the portal's is left to its host. */
let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  const signup = { ...sessionRecorder.signup, verifyEmail: 'before' as const }
  web = await openWeb({ worker: true, product: { ...sessionRecorder, signup } })
})
afterAll(() => web.close())

const fill = (page: Page, fields: Record<string, string>) =>
  Object.entries(fields).reduce(
    (filled, [label, value]) => filled.then(() => page.getByLabel(label, { exact: true }).fill(value)),
    Promise.resolve(),
  )

async function signUp(page: Page, email: string) {
  await fill(page, { 'First name': 'Ann', 'Last name': 'Archer', 'E-mail': email, Password: password })
  await fill(page, { 'Business name': 'Acme' })
  await page.getByRole('button', { name: 'Create account' }).click()
}

const mailedLink = async (email: string, path: string, template: string) =>
  `${path}#token=${await web.eventually(() => web.mailedToken(email, template).catch(() => undefined))}`

/** Somebody who has signed up, was mailed and has proved their e-mail. */
async function member(email: string) {
  const { page, go, see, close } = await web.visit()
  await go('/sign-up')
  await signUp(page, email)
  await see('Check your mail')
  await go(await mailedLink(email, '/verify-email', 'email-verification'))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await see('Acme')
  await close()
}

test('who had to prove their e-mail first goes on to what they had asked for, once', async () => {
  const { page, go, see, complaints, close } = await web.visit()
  await go('/account/security')
  await see('Sign in')
  await page.getByRole('link', { name: 'Create one' }).click()
  await signUp(page, 'ann@acme.test')
  await see('Check your mail')
  // Whoever opens the mail elsewhere comes back to this page.
  expect(await page.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe(
    `/sign-in?next=${encodeURIComponent('/account/security')}`,
  )
  const link = await mailedLink('ann@acme.test', '/verify-email', 'email-verification')
  const [mail] = await web.mails('ann@acme.test')
  expect(mail?.text).not.toContain('security')

  const opened = await page.context().newPage()
  await opened.goto(`${web.base}${link}`)
  await opened.getByRole('button', { name: 'Confirm' }).click()
  await opened.getByRole('heading', { level: 1, name: 'Security' }).waitFor()
  expect(opened.url()).toBe(`${web.base}/account/security`)

  await opened.getByRole('button', { name: 'Sign out' }).click()
  await opened.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await opened.goto(`${web.base}/sign-in`)
  await fill(opened, { 'E-mail': 'ann@acme.test', Password: password })
  await opened.getByRole('button', { name: 'Sign in' }).click()
  await opened.getByRole('heading', { level: 1, name: 'Acme' }).waitFor()
  expect(complaints).toEqual([])
  await close()
})

test.each([
  ['nothing was asked for', undefined],
  ['something else was written into the browser', 'https://evil.test/'],
  ['what was asked for is another host in disguise', '//evil.test/'],
])('who proved their e-mail goes to their business when %s', async (_, kept) => {
  const email = `kept${kept?.length ?? 0}@acme.test`
  const { page, go, see, close } = await web.visit()
  // An earlier sign-up, of which nothing came.
  await go('/sign-up?next=/account/security')
  await signUp(page, `earlier-${email}`)
  await see('Check your mail')
  await go('/sign-up')
  await signUp(page, email)
  await see('Check your mail')
  if (kept !== undefined) await page.evaluate((next) => localStorage.setItem('freehold-next', next), kept)
  await go(await mailedLink(email, '/verify-email', 'email-verification'))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await see('Acme')
  expect(page.url()).toMatch(new RegExp(`^${web.base}/b/biz_`))
  await close()
})

test('who chose a new password on the way goes on to what they had asked for', async () => {
  await member('forgetful@acme.test')
  const { page, go, see, complaints, close } = await web.visit()
  await go('/account/sessions')
  await see('Sign in')
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await see('Forgot your password?')
  await fill(page, { 'E-mail': 'forgetful@acme.test' })
  await page.getByRole('button', { name: 'Send the link' }).click()
  await see('Check your mail')
  await go(await mailedLink('forgetful@acme.test', '/reset-password', 'password-reset'))
  await fill(page, { 'New password': 'another horse battery' })
  await page.getByRole('button', { name: 'Set the password' }).click()
  await see('Devices')
  expect(complaints).toEqual([])
  await close()
})

test('beside the routes of a host, what is the host’s is the server’s to show, and what is nobody’s is not found', async () => {
  await member('guest@acme.test')
  const host = Fastify()
  await host.register(web.fastify)
  host.get('/orders', (_, reply) => reply.type('text/html').send('<h1>Orders of the host</h1>'))
  host.get('/sign-in-help', (_, reply) => reply.type('text/html').send('<h1>Help of the host</h1>'))
  const base = await host.listen({ port: 0, host: '127.0.0.1' })
  for (const [next, heading] of [
    ['/orders?page=2', 'Orders of the host'],
    ['/sign-in-help', 'Help of the host'],
    ['/account/security?from=%E0%A4%A#x', 'Security'],
    ['/b/biz_nobodys/team', 'No such business'],
    ['/account/nothing', 'Not found'],
    ['/nothing', 'Not found'],
  ] as const) {
    const { page, go, see, close } = await web.visit()
    await go(`${base}/sign-in?next=${encodeURIComponent(next)}`)
    await fill(page, { 'E-mail': 'guest@acme.test', Password: password })
    await page.getByRole('button', { name: 'Sign in' }).click()
    await see(heading)
    expect(new URL(page.url()).pathname).toBe(next.replace(/[?#].*/, ''))
    await close()
  }
  await host.close()
})
