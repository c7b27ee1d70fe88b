import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test('several are invited at once, and each says what came of it', async () => {
  const { business, token } = await web.signUp()
  const { page, go, see, complaints, screenshot, barriers, close } = await web.visit({ token })
  await go(`/b/${business.id}/team`)
  await see('Team')
  await page.getByRole('button', { name: 'Invite people' }).click()
  const dialog = page.getByRole('dialog', { name: 'Invite people' })
  await dialog.getByLabel('E-mails').fill('ben@acme.test, not-an-address\ncid@acme.test; dan@acme.test')
  await dialog.getByRole('button', { name: 'Send invitations' }).click()
  const results = dialog.getByRole('listitem')
  await results.nth(3).waitFor()
  await expect
    .poll(() => results.allInnerTexts())
    .toEqual([
      'ben@acme.test: Invited',
      'not-an-address: This is not an e-mail address.',
      'cid@acme.test: Invited',
      'dan@acme.test: All seats are taken.',
    ])
  await expect.poll(() => dialog.getByLabel('E-mails').inputValue()).toBe('not-an-address\ndan@acme.test')
  // As soon as they have been read again.
  const seats = dialog.getByRole('meter', { name: 'Seats' })
  await seats.and(page.locator('[aria-valuetext="3 of 3"]')).waitFor()
  await screenshot('team-invited')
  expect(await barriers()).toEqual([])
  // Whoever looks at the plans meanwhile finds what they have written again.
  await dialog.getByRole('link', { name: 'See plans' }).click()
  await see('Plan')
  await page.goBack()
  await see('Team')
  await page.getByRole('button', { name: 'Invite people' }).click()
  await expect.poll(() => dialog.getByLabel('E-mails').inputValue()).toBe('not-an-address\ndan@acme.test')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('table', { name: 'Invitations' }).getByText('cid@acme.test').waitFor()
  await page.getByText('3 of 3').waitFor()
  // The two that were refused are the only ones to complain.
  expect(complaints.filter((each) => !/422|402/.test(each))).toEqual([])

  await page
    .getByRole('row', { name: /ben@acme/ })
    .getByRole('button', { name: 'Revoke' })
    .click()
  await page.getByText('2 of 3').waitFor()
  await close()
})

test('a role is changed, a member suspended and removed, and an owner told why the last one stays', async () => {
  const { business, token } = await web.signUp({ firstName: 'Ann', lastName: 'Archer' })
  await web.join(business, token)
  const { page, go, see, close } = await web.visit({ token })
  await go(`/b/${business.id}/team`)
  await see('Team')
  const row = page.getByRole('row', { name: /Jo Joiner/ })
  await page.getByLabel('Role of Jo Joiner').selectOption('admin')
  await page.getByText('Jo Joiner is now admin').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('Jo Joiner is now member').waitFor()
  const roleOf = async () =>
    web.ok(await web.api.get(`/v1/businesses/${business.id}/members`, { token })).items.map((each: any) => each.role)
  expect((await roleOf()).toSorted()).toEqual(['member', 'owner'])
  await row.getByRole('button', { name: 'Suspend' }).click()
  await row.getByText('Suspended').waitFor()
  await row.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await row.waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('dialog').getByRole('alert').getByText('Make somebody else an owner first').waitFor()
  await close()
})

test('who lacks a permission is told which role they have and who can help, without a request that is refused', async () => {
  const { business, token } = await web.signUp({ firstName: 'Ann', lastName: 'Archer' })
  const member = await web.join(business, token)
  const { page, go, see, complaints, close } = await web.visit({ token: member.token })
  await go(`/b/${business.id}/api-keys`)
  await see('API keys')
  await page.getByText('Your role here is member. This needs owner or admin.').waitFor()
  await page.getByText('Ann Archer').waitFor()
  expect(complaints).toEqual([])
  await close()
})
