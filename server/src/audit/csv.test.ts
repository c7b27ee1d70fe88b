import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { csvLine } from './csv.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

test.each([
  ['plain', 'plain'],
  ['Bo, "B"', '"Bo, ""B"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  [null, ''],
])('%s is text to a spreadsheet', (value, written) => {
  expect(csvLine([value, 'b'])).toBe(`${written},b\r\n`)
})

test('the file has every entry once, newest first, by the filters of the list, and is for whoever may read it', async () => {
  const { business, token } = await freehold.signUp({ business: { name: '=Acme' } })
  await freehold.sql(
    `insert into freehold.audit_entries (business_id, id, at, actor_kind, actor_id, action)
     select $1, 'aud_0' || lpad(n::text, 25, '0'), now(), 'system', 'many', 'member.updated' from generate_series(1, 1200) n`,
    [business.id],
  )
  const path = `/v1/businesses/${business.id}/audit.csv`
  const linesOf = (body: string) => body.trimEnd().split('\r\n')
  const { status, body, headers } = await freehold.api.get(path, { token })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(headers.get('content-disposition')).toBe(`attachment; filename="${business.id}-audit.csv"`)
  const [all] = await freehold.sql('select count(*)::int from freehold.audit_entries where business_id = $1', [
    business.id,
  ])
  expect(linesOf(body)).toHaveLength(all.count + 1)
  expect(linesOf(body)[0]).toBe(
    'at,actorKind,actorId,actorName,actorEmail,onBehalfOf,action,targetKind,targetId,targetName,before,after',
  )
  expect(linesOf(body).some((line) => line.includes(",'=Acme,"))).toBe(true)

  expect(linesOf((await freehold.api.get(`${path}?actor=many&action=member`, { token })).body)).toHaveLength(1201)
  expect(linesOf((await freehold.api.get(`${path}?action=invoice`, { token })).body)).toHaveLength(1)
  expect((await freehold.api.get(`${path}?from=yesterday`, { token })).status).toBe(422)
  const member = await freehold.join(business, token)
  expect((await freehold.api.get(path, { token: member.token })).status).toBe(403)
  expect((await freehold.api.get(path, { token: (await freehold.signUp()).token })).status).toBe(404)
})
