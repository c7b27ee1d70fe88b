import { expect, test } from 'vitest'
import { safeNext } from './next.ts'

const origin = 'https://app.acme.test'

test.each(['/', '/businesses', '/b/biz_1/team?page=2', '/b/biz_1#members'])('leads to %s', (next) => {
  expect(safeNext(next, origin)).toBe(next)
})

test.each([
  'https://evil.test',
  '//evil.test',
  '/\\evil.test',
  '/\t/evil.test',
  '/.//evil.test',
  '/x/..//evil.test',
  'javascript:alert(1)',
  ' //evil.test',
  'businesses',
  '',
  undefined,
  ['/a', '//evil.test'],
])('leads nowhere with %j', (next) => {
  expect(safeNext(next, origin)).toBeUndefined()
})
