import { expect, test } from 'vitest'
import { valueText } from './value-text.ts'

test.each([
  [null, '–'],
  ['', '–'],
  [[], '–'],
  [true, 'yes'],
  [0, '0'],
  ['growth', 'growth'],
  ['2026-12-13T15:38:56.000Z', 'Dec 13, 2026, 3:38 PM UTC'],
  [{ plan: 'growth', price: 'yearly' }, 'plan growth, price yearly'],
  [
    { name: 'monthly', amount: 49_00, currency: 'USD', interval: { unit: 'month', count: 1 } },
    '$49, name monthly, interval unit month, count 1',
  ],
  [[{ amount: 500 }, { amount: 20, expiresAt: null }], 'amount 500; amount 20, expires at –'],
])('%j is said as "%s"', (value, said) => expect(valueText(value)).toBe(said))
