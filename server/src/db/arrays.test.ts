import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { arrayText } from './arrays.ts'

let freehold: TestFreehold
let client: pg.Client
beforeAll(async () => {
  freehold = await createTestFreehold()
  client = new pg.Client({ connectionString: freehold.database })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await freehold.close()
})

test('texts arrive as they were, whatever they hold', async () => {
  const texts = [
    '',
    'a',
    'null',
    'NULL',
    'Null',
    '{}',
    ',',
    ' a ',
    '"',
    '\\',
    '\\"',
    `'; drop`,
    '\n\t',
    'é🔑',
    'a,b',
    null,
  ]
  const { rows } = await client.query('select $1::text[] as texts', [arrayText(texts)])
  expect(rows[0].texts).toEqual(texts)
})

test('numbers, times and nothing at all arrive, too', async () => {
  const at = new Date('2026-01-31T10:00:00.123Z')
  const { rows } = await client.query('select $1::int[] as numbers, $2::timestamptz[] as times, $3::text[] as none', [
    arrayText([1, -2, 2 ** 31 - 1, null]),
    arrayText([at, undefined]),
    arrayText([]),
  ])
  expect(rows[0]).toEqual({ numbers: [1, -2, 2 ** 31 - 1, null], times: [at, null], none: [] })
})
