import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

/**
 * What every screen owes: a line here for each. All of them are looked at light and dark, narrow and wide.
 */
const screens: { path: string; heading: string; as: 'nobody' | 'owner' | 'member' }[] = [
  { path: '/sign-in', heading: 'Sign in', as: 'nobody' },
  { path: '/sign-up', heading: 'Create your account', as: 'nobody' },
  { path: '/sign-in/google', heading: 'Signing in with Google did not work', as: 'nobody' },
  { path: '/forgot-password', heading: 'Forgot your password?', as: 'nobody' },
  { path: '/reset-password', heading: 'This link is not complete', as: 'nobody' },
  { path: '/reset-password#token=rst_x', heading: 'Choose a new password', as: 'nobody' },
  { path: '/verify-email#token=vfy_x', heading: 'Confirm your e-mail', as: 'nobody' },
  { path: '/nowhere', heading: 'Not found', as: 'nobody' },
  { path: '/account/profile', heading: 'Your profile', as: 'owner' },
  { path: '/account/security', heading: 'Security', as: 'owner' },
  { path: '/account/sessions', heading: 'Devices', as: 'owner' },
  { path: '/businesses', heading: 'Your businesses', as: 'owner' },
  { path: '/b/:id', heading: 'Acme', as: 'owner' },
  { path: '/b/:id/team', heading: 'Team', as: 'owner' },
  { path: '/b/:id/team', heading: 'Team', as: 'member' },
  { path: '/b/:id/api-keys', heading: 'API keys', as: 'owner' },
  { path: '/b/:id/api-keys', heading: 'API keys', as: 'member' },
  { path: '/b/:id/plan', heading: 'Plan', as: 'owner' },
  { path: '/b/:id/plan', heading: 'Plan', as: 'member' },
  { path: '/b/:id/usage', heading: 'Usage', as: 'owner' },
  { path: '/b/:id/invoices', heading: 'Invoices', as: 'owner' },
  { path: '/b/:id/explain', heading: 'Explain', as: 'owner' },
  { path: '/b/:id/audit', heading: 'Audit', as: 'owner' },
  { path: '/b/:id/support-access', heading: 'Support access', as: 'owner' },
  { path: '/b/:id/support-access', heading: 'Support access', as: 'member' },
  { path: '/b/:id/settings', heading: 'Settings', as: 'owner' },
  { path: '/b/biz_nobodys', heading: 'No such business', as: 'owner' },
]

let web: Awaited<ReturnType<typeof openWeb>>
let id: string
let tokens: Record<'nobody' | 'owner' | 'member', string | undefined>
beforeAll(async () => {
  const client = { clientId: 'id', clientSecret: 'secret' }
  web = await openWeb({ socialSignIn: { google: client, github: client } })
  const { business, token } = await web.signUp({ business: { name: 'Acme' }, email: 'ann@acme.test' })
  await web.api.post(`/v1/businesses/${business.id}/invitations`, { email: 'cid@acme.test', role: 'admin' }, { token })
  const member = await web.join(business, token, 'member', 'ben@acme.test')
  id = business.id
  tokens = { nobody: undefined, owner: token, member: member.token }
})
afterAll(() => web.close())

test.each(screens)('$path is sound as $as, narrow and wide, light and dark', async ({ path, heading, as }) => {
  const token = tokens[as]
  const visitor = token === undefined ? await web.visit() : await web.comeBack({ token })
  await visitor.go(path.replace(':id', id))
  await visitor.see(heading)
  await expect.poll(() => visitor.page.locator('h1').count()).toBe(1)
  const place = path.startsWith('/b/:id/') ? ' – Acme' : ''
  expect(await visitor.page.title()).toBe(`${heading}${place} – Session Recorder`)
  const name = path.replace(/#.*/, '-token').replaceAll(/\W+/g, '-').replace(/^-/, '')
  await visitor.sound(`${name}-${as}`)
  expect(visitor.complaints.splice(0)).toEqual([])
  if (token === undefined) await visitor.close()
})

test('a look at every screen leaves no token in an address', async () => {
  const { go, see, page, close } = await web.visit()
  await go('/reset-password#token=rst_secret')
  await see('Choose a new password')
  expect(page.url()).toBe(`${web.base}/reset-password`)
  await close()
})
