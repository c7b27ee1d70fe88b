import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const now = async () => freehold.ok(await freehold.api.get('/v1/dev/clock')).now as string
const move = (body: unknown) => freehold.api.post('/v1/dev/clock', body)

describe('the movable clock', () => {
  test('moves by seconds, and to a time', async () => {
    const before = Date.parse(await now())
    freehold.ok(await move({ advanceSeconds: 3600 }))
    expect(Date.parse(await now()) - before).toBeGreaterThanOrEqual(3_600_000)
    const to = new Date(before + 86_400_000).toISOString()
    freehold.ok(await move({ now: to }))
    expect((await now()) >= to).toBe(true)
  })

  test.each([
    ['nothing', {}, 'body'],
    ['both ways at once', { now: '2100-01-01T00:00:00Z', advanceSeconds: 1 }, 'body'],
    ['back', { now: '2020-01-01T00:00:00Z' }, 'body/now'],
    ['back by seconds', { advanceSeconds: -1 }, 'body/advanceSeconds'],
    ['by half a second', { advanceSeconds: 0.5 }, 'body/advanceSeconds'],
    ['to no time', { now: 'tomorrow' }, 'body/now'],
    ['where no answer could say what time it is', { now: '9999-12-31T23:59:59Z' }, 'body/now'],
    ['for centuries', { advanceSeconds: 1e10 }, 'body/advanceSeconds'],
  ])('does not move: %s', async (_what, body, path) => {
    const before = Date.parse(await now())
    const answer = await move(body)
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].path).toBe(path)
    expect(Date.parse(await now()) - before).toBeLessThan(60_000)
  })

  test('says what came of the last move: events and mails, and nothing of before', async () => {
    const fresh = await createTestFreehold({ worker: true })
    const effects = async () => fresh.ok(await fresh.api.get('/v1/dev/clock/effects'))
    const { business, user } = await fresh.signUp({ business: { name: 'Acme' } })
    expect(await effects()).toEqual({ from: null, items: [] })
    const before = fresh.ctx.now().toISOString()
    fresh.ok(await fresh.api.post('/v1/dev/clock', { advanceSeconds: 15 * 86_400 + 60 }))
    const renewed = await fresh.eventually(
      async () => (await effects()).items.find(({ name }: { name: string }) => name === 'subscription.renewed'),
      'the cycle ended',
    )
    expect(renewed).toMatchObject({ kind: 'event', business: { id: business.id, name: 'Acme' }, to: null })
    const { from, items } = await effects()
    expect(from >= before).toBe(true)
    expect(items.map(({ name }: { name: string }) => name)).not.toContain('business.created')
    fresh.ok(await fresh.api.post('/v1/password-resets', { email: user.email }))
    const mail = await fresh.eventually(
      async () => (await effects()).items.find(({ kind }: { kind: string }) => kind === 'mail'),
      'a mail was written',
    )
    expect(mail).toMatchObject({ to: user.email, id: expect.stringMatching(/^mai_/) })
    fresh.ok(await fresh.api.post('/v1/dev/clock', { advanceSeconds: 1 }))
    expect((await effects()).items).toEqual([])
    await fresh.close()
  })
})
