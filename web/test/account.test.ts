import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openWeb } from './pages.ts'
import { totp } from './totp.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb({ worker: true })
})
afterAll(() => web.close())

async function open(path: string, heading: string) {
  const { token, user } = await web.signUp()
  const visitor = await web.visit({ token })
  await visitor.go(path)
  await visitor.see(heading)
  return { token: token as string, email: user.email as string, ...visitor }
}
const meOf = async (token: string) => web.ok(await web.api.get('/v1/me', { token })).user

test('one changes one’s name; the e-mail when the link in the mail to the new one is opened', async () => {
  const { page, token, email, screenshot, barriers, complaints, close } = await open('/account', 'Your profile')
  await page.getByLabel('First name').fill('Ada')
  await page.getByLabel('Last name').fill('Lovelace')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  expect(await meOf(token)).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace' })

  await page.getByRole('button', { name: 'Change e-mail' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change your e-mail' })
  await dialog.getByLabel('New e-mail').fill('ada@lovelace.test')
  await dialog.getByLabel('Password').fill(password)
  await screenshot('account-change-email')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('button', { name: 'Send the link' }).click()
  await page.getByText('Open the link we have sent to ada@lovelace.test').waitFor()
  expect((await meOf(token)).email).toBe(email)
  const link = await web.mailedToken('ada@lovelace.test')
  expect(complaints).toEqual([])
  await page.goto(`/verify-email#token=${link}`)
  await page.getByRole('button', { name: /^Confirm/ }).click()
  await web.eventually(async () => (await meOf(token)).email === 'ada@lovelace.test', 'the e-mail has changed')
  await close()
})

test('a new password signs out everywhere else; a wrong old one is said', async () => {
  const { page, email, close } = await open('/account/security', 'Security')
  const { token: elsewhere } = web.ok(await web.api.post('/v1/login', { email, password }))
  await page.getByLabel('Current password').fill('not this one at all')
  await page.getByLabel('New password').fill('a whole new password')
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.locator('[aria-invalid="true"], [role="alert"]').first().waitFor()
  await page.getByLabel('Current password').fill(password)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText(/^The password is changed/).waitFor()
  expect((await web.api.get('/v1/me', { token: elsewhere })).status).toBe(401)
  web.ok(await web.api.post('/v1/login', { email, password: 'a whole new password' }))
  await close()
})

test('a second factor is switched on with a code of the shown secret, its backup codes are shown once, and it goes again', async () => {
  const { page, email, token, screenshot, barriers, complaints, close } = await open('/account/security', 'Security')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('dialog').getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  const scan = page.getByRole('dialog', { name: 'Add it to your authenticator' })
  await scan.getByRole('img', { name: 'QR code for your authenticator app' }).waitFor()
  await screenshot('account-two-factor')
  expect(await barriers()).toEqual([])
  const secret = await scan.locator('code').innerText()
  await scan.getByLabel('Code', { exact: true }).fill('000000')
  await scan.getByRole('button', { name: 'Turn on' }).click()
  await scan.locator('[aria-invalid="true"], [role="alert"]').first().waitFor()
  await scan.getByLabel('Code', { exact: true }).fill(totp(secret))
  await scan.getByRole('button', { name: 'Turn on' }).click()

  const codes = page.getByRole('dialog', { name: 'Save your backup codes' })
  await codes.waitFor()
  await page.keyboard.press('Escape')
  const [backup = ''] = (await codes.locator('pre, code').first().innerText()).split('\n')
  expect(backup.length).toBeGreaterThan(5)
  await codes.getByRole('button', { name: 'I have saved these codes' }).click()
  await codes.waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(backup)
  expect((await meOf(token)).twoFactorEnabled).toBe(true)
  const { challenge } = web.ok(await web.api.post('/v1/login', { email, password }))
  web.ok(await web.api.post('/v1/login/two-factor', { challenge, code: backup }))

  await page.getByRole('button', { name: 'Turn off' }).click()
  const removal = page.getByRole('dialog', { name: 'Turn off two-factor sign-in?' })
  await removal.getByLabel('Password').fill(password)
  await removal.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('Two-factor sign-in is off').waitFor()
  expect((await meOf(token)).twoFactorEnabled).toBe(false)
  // The wrong code was refused, and that is all that was.
  expect(
    complaints.filter((line) => !line.includes('/v1/me/two-factor/confirm') && !line.includes('status of 4')),
  ).toEqual([])
  await close()
})

test('devices are listed by what they are, and signed out one by one or all at once', async () => {
  const { page, email, screenshot, barriers, close } = await open('/account/sessions', 'Devices')
  const others: string[] = []
  for (let each = 0; each < 3; each += 1)
    others.push(web.ok(await web.api.post('/v1/login', { email, password })).token)
  await page.reload()
  const table = page.getByRole('table', { name: 'Devices' })
  await table.getByText('this one').waitFor()
  await expect.poll(() => table.getByRole('row').count()).toBe(5)
  await screenshot('account-devices')
  expect(await barriers()).toEqual([])
  await table
    .getByRole('button', { name: /^Sign out/ })
    .first()
    .click()
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('The device is signed out').waitFor()
  const signedIn = async () =>
    (await Promise.all(others.map((token) => web.api.get('/v1/me', { token })))).filter(({ status }) => status === 200)
  expect(await signedIn()).toHaveLength(2)
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere else' }).click()
  await page.getByText('You are signed out everywhere else').waitFor()
  expect(await signedIn()).toHaveLength(0)
  expect(await page.getByRole('button', { name: 'Sign out everywhere else' }).count()).toBe(0)
  await close()
})
