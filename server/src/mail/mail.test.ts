import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'

/** Where links in mails lead: to PUBLIC_URL, whatever host a request, or a proxy it came by, names. */

const publicUrl = 'https://app.recorder.test/portal'
let freehold: TestFreehold
let acme: { token: string; business: { id: string }; user: { email: string } }
let staff: { token: string }
beforeAll(async () => {
  // The test's own address is a proxy, whose X-Forwarded-Host counts as the host.
  freehold = await createTestFreehold({ worker: true, publicUrl, trustedProxies: ['127.0.0.1'] })
  acme = await freehold.signUp()
  const person = await freehold.signUp()
  await freehold.makeStaff(person.user.id)
  staff = { token: person.token }
})
afterAll(() => freehold.close())

const hostile: [what: string, headers: Record<string, string>][] = [
  ['no other host', {}],
  ['another Host', { host: 'evil.test' }],
  ['a Host with another port', { host: 'app.recorder.test:8080' }],
  ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http', 'x-forwarded-port': '81' }],
  ['Forwarded', { forwarded: 'host=evil.test;proto=http' }],
  ['an origin and a referrer', { origin: 'https://evil.test', referer: 'https://evil.test/portal' }],
  [
    'other headers of proxies',
    { 'x-original-host': 'evil.test', 'x-host': 'evil.test', 'x-forwarded-server': 'evil.test' },
  ],
]

let people = 0
const someone = () => `somebody${++people}@links.test`
const signUp = (email: string) => ({
  business: { name: 'Acme' },
  email,
  password,
  firstName: 'Ann',
  lastName: 'Acme',
})

type Cause = {
  url: string
  to: string
  payload: object
  token?: string
  /** What the mail's one link looks like. */
  link: RegExp
}
const causes: [template: string, cause: () => Promise<Cause>][] = [
  [
    'email-verification',
    async () => {
      const to = someone()
      return { url: '/v1/signup', to, payload: signUp(to), link: /^\/verify-email#token=ver_[0-9a-z]{32}$/ }
    },
  ],
  [
    'email-verification',
    async () => {
      const to = someone()
      const { token } = freehold.ok(await freehold.api.post('/v1/signup', signUp(someone())))
      const payload = { email: to, password }
      return { url: '/v1/me/email-changes', to, payload, token, link: /^\/verify-email#token=ver_[0-9a-z]{32}$/ }
    },
  ],
  [
    'password-reset',
    async () => {
      const to = freehold.ok(await freehold.api.post('/v1/signup', signUp(someone()))).user.email
      const link = /^\/reset-password#token=rst_[0-9a-z]{32}$/
      return { url: '/v1/password-resets', to, payload: { email: to }, link }
    },
  ],
  [
    'invitation',
    async () => {
      const [to, { token }] = [someone(), acme]
      const payload = { email: to, role: 'member' }
      const url = `/v1/businesses/${acme.business.id}/invitations`
      const seats = { limit: null, reason: 'room for everybody' }
      freehold.ok(await freehold.api.put(`/v1/staff/businesses/${acme.business.id}/limits/members`, seats, staff))
      return { url, to, payload, token, link: /^\/join#token=inv_[0-9a-z]+$/ }
    },
  ],
  [
    'support-session-started',
    async () => {
      const { business, user } = freehold.ok(await freehold.api.post('/v1/signup', signUp(someone())))
      const payload = { businessId: business.id, reason: 'to look into it' }
      const link = new RegExp(`^/b/${business.id}/support-access$`)
      return { url: '/v1/staff/support-sessions', to: user.email, payload, ...staff, link }
    },
  ],
]

test.each(
  causes.flatMap(([template, cause]) => hostile.map(([what, headers]) => ({ template, what, headers, cause }))),
)(
  'the mail $template leads to the configured address for a request with $what',
  async ({ template, headers, cause }) => {
    const { url, to, payload, token, link } = await cause()
    const answer = await freehold.server.inject({
      method: 'POST',
      url,
      payload,
      remoteAddress: '127.0.0.1',
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    })
    expect(answer.statusCode).toBeLessThan(300)
    const mail = await freehold.eventually(
      async () => (await freehold.mails(to)).find((each) => each.template === template),
      'the mail',
    )
    const links = `${mail.text} ${mail.html}`.match(/\w+:\/\/[^\s"<]+/g) ?? []
    expect(links).toHaveLength(2)
    for (const each of links) {
      expect(each.slice(0, publicUrl.length)).toBe(publicUrl)
      expect(each.slice(publicUrl.length)).toMatch(link)
    }
    expect(mail.subject + mail.text + mail.html).not.toMatch(/evil|8080/)
  },
)

test('a slash at the end of the configured address is not doubled', async () => {
  const other = await createTestFreehold({ publicUrl: `${publicUrl}//` })
  const { user } = await other.signUp()
  const [mail] = await other.mails(user.email)
  expect(mail?.text).toContain(`\n${publicUrl}/verify-email#token=`)
  await other.close()
})
