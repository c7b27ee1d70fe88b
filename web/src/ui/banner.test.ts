import { describe, expect, test } from 'vitest'
import { bannerOf, barOf } from './banner.ts'

const subscription = {
  status: 'active',
  access: 'full',
  plan: { key: 'growth', name: 'Growth', version: 1 },
  price: { name: 'monthly', amount: 49_00, currency: 'USD', interval: { unit: 'month', count: 1 } },
  cycleStart: '2026-11-01T00:00:00Z',
  cycleEnd: '2026-12-01T00:00:00Z',
  graceEnd: null,
  cancelAtCycleEnd: false,
  pauseAtCycleEnd: false,
  pendingChange: null,
}
const membership = (changes: object, status = 'active', permissions = ['subscription:manage']) =>
  ({ business: { status }, permissions, subscription: { ...subscription, ...changes } }) as never

describe('the banner', () => {
  test('is not there while all is well', () => {
    expect(bannerOf(membership({}))).toBeUndefined()
    expect(bannerOf(membership({ status: 'trialing' }))).toBeUndefined()
  })

  test('says what is owed and since when, and what still works', () => {
    const owed = [
      { amountDue: 61_34, currency: 'USD', dueAt: '2026-11-08T00:00:00Z' },
      { amountDue: 10_00, currency: 'USD', dueAt: '2026-11-02T00:00:00Z' },
    ]
    const graceEnd = '2026-11-14T00:00:00Z'
    expect(bannerOf(membership({ status: 'past_due', graceEnd }), owed)).toMatchObject({
      tone: 'warning',
      title: 'A payment of $71.34 has been overdue since Nov 2, 2026',
      about: 'Everything still works until Nov 14, 2026.',
      leadsTo: 'invoices',
    })
    expect(bannerOf(membership({ status: 'past_due', access: 'read_only' }))).toMatchObject({
      tone: 'danger',
      // While it is not known yet.
      title: 'A payment is overdue',
      about: expect.stringMatching(/read, export, remove members and revoke keys/),
    })
  })

  test('leads to the plans whoever may choose one', () => {
    expect(bannerOf(membership({ status: 'paused' }))).toMatchObject({ leadsTo: 'plan' })
    expect(bannerOf(membership({ status: 'ended' }))).toMatchObject({ leadsTo: 'plan' })
  })

  test('sends to an owner who may not change the plan', () => {
    const banner = bannerOf(membership({ status: 'past_due' }, 'active', []))
    expect(banner?.about).toMatch(/Ask an owner/)
    expect(banner).not.toHaveProperty('leadsTo')
  })

  test.each([
    [{ cancelAtCycleEnd: true }, 'Growth ends on Dec 1, 2026'],
    [{ pauseAtCycleEnd: true }, 'Growth pauses on Dec 1, 2026'],
    [{ pendingChange: { plan: { name: 'Free' } } }, 'The plan changes to Free on Dec 1, 2026'],
    [{ status: 'paused' }, 'The subscription is paused'],
    [{ status: 'ended' }, 'The subscription has ended'],
  ])('of %j is "%s"', (changes, title) => expect(bannerOf(membership(changes))?.title).toBe(title))

  test('is about the account before it is about money', () => {
    expect(bannerOf(membership({ status: 'past_due' }, 'suspended'))?.title).toMatch(/^Suspended/)
    expect(bannerOf(membership({ status: 'past_due' }, 'closed'))?.title).toMatch(/^Closed/)
  })

  test('is there without a subscription, too', () => {
    const none = { business: { status: 'active' }, subscription: null, permissions: [] } as never
    expect(bannerOf(none)?.title).toBe('The subscription has ended')
    expect(barOf(none)).toBe('Not without a subscription')
  })
})

test('changing something is barred with the reason, and only then', () => {
  expect(barOf(membership({}))).toBeUndefined()
  expect(barOf(membership({ status: 'past_due' }))).toBeUndefined()
  expect(barOf(membership({ status: 'past_due', access: 'read_only' }))).toBe('Not while a payment is overdue')
  expect(barOf(membership({}, 'suspended'))).toBe('Not while it is suspended')
})
