import { afterAll, beforeAll, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const welcomes = async (email: string, at = freehold) =>
  (await at.mails(email)).filter(({ template }) => template === 'welcome')
const confirm = (token: string, at = freehold) => at.api.post('/v1/email-verifications/confirm', { token })

test('who signs up is welcomed when the e-mail is proved, and not before; once, however often the link is used', async () => {
  const { user, business } = await freehold.signUp({ business: { name: 'Acme' }, firstName: 'Ann' })
  expect(await welcomes(user.email)).toEqual([])
  const token = await freehold.mailedToken(user.email)
  await Promise.all([confirm(token), confirm(token), confirm(token)])
  const [mail, ...more] = await welcomes(user.email)
  expect(more).toEqual([])
  expect(mail?.text).toContain('your business “Acme”')
  expect(mail?.text).toMatch(/Plan: +Free/)
  expect(mail?.text).toContain(`/b/${business.id}`)
})

test('another e-mail later is not welcomed again', async () => {
  const { user, token } = await freehold.signUp()
  freehold.ok(await confirm(await freehold.mailedToken(user.email)))
  const email = `new-${user.email}`
  freehold.ok(await freehold.api.post('/v1/me/email-changes', { email, password }, { token }))
  freehold.ok(await confirm(await freehold.mailedToken(email)))
  expect(await welcomes(email)).toEqual([])
  expect(await welcomes(user.email)).toHaveLength(1)
})

test('who is invited is welcomed to the business, with the role, and not to its plan', async () => {
  const { business, token } = await freehold.signUp()
  const joined = await freehold.join(business, token)
  const [mail, ...more] = await welcomes(joined.user.email)
  expect(more).toEqual([])
  expect(mail?.text).toContain(`member of the business “${business.name}”`)
  expect(mail?.text).toMatch(/Your role: +member/)
  expect(mail?.text).not.toContain('Plan:')
})

test('where e-mails are proved first, the welcome comes with the account; none when that is undone', async () => {
  let fails = true
  const afterSignup = () => (fails ? Promise.reject(new Error('not today')) : Promise.resolve())
  const signup = { ...sessionRecorder.signup, verifyEmail: 'before' as const }
  const strict = await createTestFreehold({ product: { ...sessionRecorder, signup, hooks: { afterSignup } } })
  const email = 'ann@strict.test'
  const form = { business: { name: 'Acme' }, email, password, firstName: 'Ann', lastName: 'Acme' }
  expect((await strict.api.post('/v1/signup', form)).status).toBe(202)
  const token = await strict.mailedToken(email)
  expect((await confirm(token, strict)).status).toBe(500)
  expect(await welcomes(email, strict)).toEqual([])
  fails = false
  expect((await confirm(token, strict)).status).toBe(200)
  expect(await welcomes(email, strict)).toHaveLength(1)
  await strict.close()
})
