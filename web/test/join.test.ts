import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

/** A mailed invitation, for whoever opens it. */

let web: Awaited<ReturnType<typeof openWeb>>
let owner: Awaited<ReturnType<typeof web.signUp>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

let count = 0
async function invited(role = 'member') {
  // A business of its own for each: the plan has three seats.
  owner = await web.signUp({ business: { name: 'Acme' }, firstName: 'Ann', lastName: 'Archer' })
  const email = `guest${++count}@acme.test`
  const path = `/v1/businesses/${owner.business.id}/invitations`
  const { id } = web.ok(await web.api.post(path, { email, role }, { token: owner.token }))
  return { email, path: `${path}/${id}`, token: await web.mailedToken(email) }
}
/** Somebody who is here already and has proved their e-mail, by an earlier invitation. */
const known = async () => {
  const elsewhere = await web.signUp()
  return web.join(elsewhere.business, elsewhere.token)
}
const inviteKnown = async (email: string) => {
  owner = await web.signUp({ business: { name: 'Acme' } })
  web.ok(await web.api.post(`/v1/businesses/${owner.business.id}/invitations`, { email, role: 'member' }, owner))
  return web.mailedToken(email)
}

test('somebody new joins with a name and a password, and the e-mail is the invited one', async () => {
  const { email, token } = await invited()
  const { page, go, see, sound, complaints, close } = await web.visit()
  await go(`/join#token=${token}`)
  await see('Join Acme')
  expect(page.url()).toBe(`${web.base}/join`)
  await page.getByText('Ann Archer invites you as member.').waitFor()
  await expect.poll(() => page.getByLabel('E-mail').inputValue()).toBe(email)
  expect(await page.getByLabel('E-mail').isEditable()).toBe(false)
  await sound('join-as-new')
  await page.getByLabel('First name').fill('Ben')
  await page.getByLabel('Last name').fill('Baker')
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
  await page.getByRole('button', { name: 'Join' }).click()
  await see('Acme')
  expect(complaints).toEqual([])
  await close()
})

test('somebody known signs in first and comes back', async () => {
  const { user } = await known()
  const token = await inviteKnown(user.email)
  const { page, go, see, sound, close } = await web.visit()
  await go(`/join#token=${token}`)
  await see('Join Acme')
  await sound('join-sign-in-first')
  await page.getByRole('link', { name: 'Sign in to join' }).click()
  await page.getByLabel('E-mail').fill(user.email)
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await see('Join Acme')
  await page.getByRole('button', { name: 'Join' }).click()
  await see('Acme')
  await close()
})

test('who is signed in as the invited one joins with one press', async () => {
  const guest = await known()
  const token = await inviteKnown(guest.user.email)
  const { page, go, see, sound, close } = await web.visit({ token: guest.token })
  await go(`/join#token=${token}`)
  await see('Join Acme')
  await sound('join-as-me')
  await page.getByRole('button', { name: 'Join' }).click()
  await see('Acme')
  await close()
})

test('who is signed in as somebody else may stay, or switch', async () => {
  const { token } = await invited()
  const other = await web.signUp()
  const { page, go, see, sound, close } = await web.visit({ token: other.token })
  await go(`/join#token=${token}`)
  await see('Join Acme')
  await page.getByText(`You are signed in as ${other.user.email}.`).waitFor()
  await sound('join-as-other')
  await page.getByRole('link', { name: 'Stay as you are' }).click()
  await see('Your businesses')
  await page.goBack()
  await page.getByRole('button', { name: 'Switch account' }).click()
  await page.getByLabel('First name').waitFor()
  expect(await page.context().cookies()).toEqual([])
  await close()
})

test('a used one says so', async () => {
  const { token } = await invited()
  const joined = web.ok(
    await web.api.post('/v1/signup', {
      invitationToken: token,
      password: 'correct horse battery',
      firstName: 'Ben',
      lastName: 'Baker',
    }),
  )
  const { page, go, see, sound, close } = await web.visit()
  await go(`/join#token=${token}`)
  await see('The invitation has been used')
  await page.getByText('Sign in to open the business.').waitFor()
  await sound('join-used')
  await close()
  // Who is in already need not sign in.
  const back = await web.visit({ token: joined.token })
  await back.go(`/join#token=${token}`)
  await back.see('The invitation has been used')
  await back.page.getByText('The business is in your list.').waitFor()
  await back.page.getByRole('link', { name: 'Continue' }).click()
  await back.see('Your businesses')
  await back.close()
})

test('a revoked one and one that never was look the same', async () => {
  const revoked = await invited()
  await web.api.delete(revoked.path, { token: owner.token })
  const texts = []
  for (const token of [revoked.token, `${revoked.token.slice(0, -3)}xyz`, 'nonsense']) {
    const { page, go, see, close } = await web.visit()
    await go(`/join#token=${token}`)
    await see('This invitation does not work')
    texts.push(await page.getByRole('main').innerText())
    await close()
  }
  expect(new Set(texts).size).toBe(1)
  const { go, see, sound, close } = await web.visit()
  await go('/join')
  await see('This invitation does not work')
  await sound('join-invalid')
  await close()
})

test('one that is revoked while it is looked at says so when it is used', async () => {
  const { token, path } = await invited()
  const { page, go, see, close } = await web.visit()
  await go(`/join#token=${token}`)
  await see('Join Acme')
  await web.api.delete(path, { token: owner.token })
  await page.getByLabel('First name').fill('Ben')
  await page.getByLabel('Last name').fill('Baker')
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
  await page.getByRole('button', { name: 'Join' }).click()
  await see('This invitation does not work')
  await close()
})

test('who has become a member meanwhile, by another e-mail, is told so', async () => {
  const { token, email } = await invited()
  const path = `/v1/businesses/${owner.business.id}`
  const member = await web.join(owner.business, owner.token)
  web.ok(await web.api.post('/v1/me/email-changes', { email, password: 'correct horse battery' }, member))
  web.ok(
    await web.api.post('/v1/email-verifications/confirm', {
      token: await web.mailedToken(email, 'email-verification'),
    }),
  )
  const { page, go, see, sound, close } = await web.visit({ token: member.token })
  await go(`/join#token=${token}`)
  await see('Join Acme')
  await page.getByRole('button', { name: 'Join' }).click()
  await see('You are already a member')
  await sound('join-already')
  await page.getByRole('link', { name: 'Continue' }).click()
  await see('Your businesses')
  expect(web.ok(await web.api.get(`${path}/members`, { token: owner.token })).items).toHaveLength(2)
  await close()
})

test('an expired one asks for a new one', async () => {
  const { token } = await invited()
  await web.advance(8 * 86_400)
  const { go, see, sound, close } = await web.visit()
  await go(`/join#token=${token}`)
  await see('The invitation has expired')
  await sound('join-expired')
  await close()
})
