import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password as accepted, type TestFreehold } from '../../test/harness.ts'
import { checkPassword } from './passwords.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const email = 'ann@passwords.test'
const check = (password: string) => () => checkPassword('body/password', password, email)
const listed = async () =>
  (await readFile(new URL('../../data/common-passwords.txt', import.meta.url), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

describe('a common password', () => {
  test('is one of more than the 3,000 most common ones that are long enough', async () => {
    const passwords = await listed()
    expect(passwords.length).toBeGreaterThan(10_000)
    expect(passwords.slice(0, 5)).toEqual(['password', '12345678', '123456789', 'baseball', 'football'])
    expect(passwords.filter((each) => each.length < 8 || each.length > 128)).toEqual([])
    expect(new Set(passwords).size).toBe(passwords.length)
    for (const each of passwords) expect(check(each)).toThrow('is one of the most common passwords')
  })

  test.each(['Sunshine', 'TRUSTNO1', 'welcome123', 'ｓｕｎｓｈｉｎｅ', 'p@ssw0rd', 'letmein123'])(
    'is refused however it is spelled: %s',
    (each) => expect(check(each)).toThrow('is one of the most common passwords'),
  )

  test.each([
    'aaaaaaaa',
    '00000000',
    '12121212',
    'TestTest',
    '🔑🔑🔑🔑🔑🔑🔑🔑',
    'abcdefgh',
    'zyxwvuts',
    '23456789',
    '0987654321',
  ])('is also what anybody types who repeats or counts: %s', (each) =>
    expect(check(each)).toThrow('is one of the most common passwords'),
  )

  test.each([
    accepted,
    'aaaaaaab',
    'abcdefgi',
    '12345680',
    'ab'.repeat(10),
    'sunshine sunshine!',
    ' password ',
    'mot de passe à moi',
    '日本語のパスワード',
  ])('is not %j', (each) => expect(check(each)).not.toThrow())

  test('is refused quickly, however long it is', () => {
    const started = performance.now()
    for (const each of [`${'ab'.repeat(63)}c!`, 'a'.repeat(127) + 'b']) expect(check(each)).not.toThrow()
    expect(performance.now() - started).toBeLessThan(100)
  })

  test('signs nobody up, and does not become anybody’s', async () => {
    const { token } = await freehold.signUp()
    const refusal = {
      status: 422,
      body: { errors: [{ path: 'body/password', message: expect.stringMatching(/most common/) }] },
    }
    const person = { email, firstName: 'Ann', lastName: 'Acme' }
    for (const password of ['mountain', 'abcdefgh']) {
      expect(await freehold.api.post('/v1/signup', { business: { name: 'Acme' }, ...person, password })).toMatchObject(
        refusal,
      )
      expect(
        await freehold.api.put('/v1/me/password', { currentPassword: accepted, password }, { token }),
      ).toMatchObject(refusal)
    }
    expect(await freehold.sql('select from freehold.users where email = $1', [email])).toEqual([])
  })
})
