import { expect, test } from 'vitest'
import { lastMonths, revenueOf } from './months.ts'

const month = (text: string) => new Date(`${text}-01T00:00:00Z`)

test('months are calendar months of UTC, over the turn of a year too', () => {
  expect(lastMonths(new Date('2026-02-28T23:59:59.999Z'), 3)).toEqual([
    { start: month('2025-12'), end: month('2026-01') },
    { start: month('2026-01'), end: month('2026-02') },
    { start: month('2026-02'), end: month('2026-03') },
  ])
  expect(lastMonths(month('2026-03'), 1)).toEqual([{ start: month('2026-03'), end: month('2026-04') }])
})

test('revenue ends with what is paid now, and each month begins where the one before ended', () => {
  const months = lastMonths(new Date('2026-03-10T00:00:00Z'), 3)
  const revenue = revenueOf(months, { amount: 9900, businesses: 2 }, [
    { month: month('2026-01'), kind: 'new', amount: 14_700, businesses: 3 },
    { month: month('2026-02'), kind: 'churn', amount: -4900, businesses: 1 },
    { month: month('2026-03'), kind: 'expansion', amount: 1000, businesses: 1 },
    { month: month('2026-03'), kind: 'contraction', amount: -900, businesses: 1 },
  ])
  expect(revenue.map(({ mrr, paying }) => [mrr, paying])).toEqual([
    [14_700, 3],
    [9800, 2],
    [9900, 2],
  ])
  expect(revenue.map(({ churned, churnRate }) => [churned, churnRate])).toEqual([
    [0, null],
    [1, 1 / 3],
    [0, 0],
  ])
  expect(revenue[2]).toMatchObject({ expansion: 1000, contraction: -900, new: 0, churn: 0, reactivation: 0 })
})

test('thirds of a cent add up: only what is shown is rounded', () => {
  const [only] = revenueOf(lastMonths(month('2026-03'), 1), { amount: 100 / 3, businesses: 1 }, [])
  expect(only?.mrr).toBe(33)
})
