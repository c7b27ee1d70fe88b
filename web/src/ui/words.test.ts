import { describe, expect, test } from 'vitest'
import { article, label, money, percent, plural, relative, sum, utcMoment, utcMonth, words } from './words.ts'

test.each([
  ['business', 'businesses'],
  ['workspace', 'workspaces'],
  ['agency', 'agencies'],
  ['day', 'days'],
])('more than one %s are %s', (one, many) => expect(plural(one)).toBe(many))

test('a name of code is said in words', () => {
  expect(words('retentionDays')).toBe('retention days')
  expect(words('api-calls_made')).toBe('api calls made')
  expect(article('agency')).toBe('an agency')
  expect(['api_key', 'email', 'id', 'requestId', 'paidAt'].map(label)).toEqual([
    'API key',
    'E-mail',
    'ID',
    'Request ID',
    'Paid at',
  ])
})

test('money is written as its currency is, from minor units', () => {
  expect(money(49_00, 'USD')).toBe('$49')
  expect(money(49_50, 'EUR')).toBe('€49.50')
  expect(money(1_234_567_89, 'USD')).toBe('$1,234,567.89')
  expect(money(500, 'JPY')).toBe('¥500')
  expect(money(-10_00, 'USD')).toBe('-$10')
})

test('sums below each other have all their decimals', () => {
  expect(sum(49_00, 'USD')).toBe('$49.00')
  expect(sum(500, 'JPY')).toBe('¥500')
  expect(sum(1_234, 'KWD')).toMatch(/1\.234$/)
})

describe('a time is said from where one stands', () => {
  const now = new Date('2026-11-23T12:00:00Z')
  test.each([
    ['2026-11-23T12:00:30Z', 'in a moment'],
    ['2026-11-23T12:00:03Z', 'just now'],
    ['2026-11-23T11:59:10Z', 'just now'],
    ['2026-11-23T12:05:00Z', 'in 5 minutes'],
    ['2026-11-22T11:00:00Z', 'yesterday'],
    ['2026-12-08T12:00:00Z', 'in 15 days'],
    ['2025-11-23T12:00:00Z', 'last year'],
  ])('%s is %s', (at, said) => expect(relative(new Date(at), now)).toBe(said))

  test('and in full with its zone', () => expect(utcMoment(now)).toBe('Nov 23, 2026, 12:00 PM UTC'))
})

test('a month is UTC’s, and a share has no more digits than say something', () => {
  expect(utcMonth(new Date('2026-03-01T00:00:00Z'))).toBe('Mar 2026')
  expect([0, 0.0421, 1 / 3, 1].map(percent)).toEqual(['0%', '4.2%', '33.3%', '100%'])
})
