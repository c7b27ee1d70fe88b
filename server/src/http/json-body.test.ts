import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

/** Sends a body as it is: clients do not always use a library. */
const send = async (
  body: string | Buffer | undefined,
  type: string | undefined = 'application/json',
  path = '/v1/login',
) => {
  const started = performance.now()
  const response = await fetch(freehold.base + path, {
    method: 'POST',
    headers: type === undefined ? {} : { 'content-type': type },
    ...(body === undefined ? {} : { body }),
  })
  const problem = (await response.json()) as { code: string; errors?: { path: string }[]; requestId: string }
  return { status: response.status, problem, milliseconds: performance.now() - started }
}
const credentials = (more: string) => `{"email":"a@body.test","password":"whatever it is"${more}}`

describe('a body', () => {
  test.each([
    ['cut off', '{"email":"a@body.test"'],
    ['single-quoted', "{'email':'a@body.test'}"],
    ['with a comment', '{} // that is it'],
    ['of two values', '{}{}'],
    ['of NaN', '{"email":NaN}'],
    ['of bytes', Buffer.from([0x80, 0xff, 0x00])],
    ['of spaces', '   '],
  ])('%s is no JSON', async (_what, body) => {
    expect(await send(body)).toMatchObject({ status: 400, problem: { code: 'invalid_json' } })
  })

  test.each([
    ['text/plain', '{"email":"a@body.test","password":"whatever it is"}'],
    ['application/x-www-form-urlencoded', 'email=a%40body.test&password=whatever'],
    ['multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="email"\r\n\r\na\r\n--x--\r\n'],
    ['application/jsonp', '{}'],
    ['application/xml', '<email/>'],
  ])('of the type %s is refused: pages may send it anywhere', async (type, body) => {
    expect(await send(body, type)).toMatchObject({ status: 415, problem: { code: 'unsupported_media_type' } })
  })

  test('may say its character set', async () => {
    const answer = await send(credentials(''), 'application/json; charset=utf-8')
    expect(answer).toMatchObject({ status: 401, problem: { code: 'invalid_credentials' } })
  })

  test.each(['[]', 'null', '"text"', '7', 'true'])('%s is not the object that is asked for', async (body) => {
    expect(await send(body)).toMatchObject({ status: 422, problem: { code: 'invalid_request' } })
  })

  test.each([
    ['nothing at all', undefined, undefined],
    ['an empty one', '', 'application/json'],
    ['an empty object', '{}', 'application/json'],
  ])('of %s lacks what is required, field by field', async (_what, body, type) => {
    const { status, problem } = await send(body, type)
    expect(status).toBe(422)
    expect(problem.errors?.map(({ path }) => path).toSorted()).toEqual(['body/email', 'body/password'])
  })

  test.each([
    ['__proto__', ',"__proto__":{"role":"owner"}', 'body/__proto__'],
    ['constructor', ',"constructor":{"prototype":{"role":"owner"}}', 'body/constructor'],
    ['prototype', ',"prototype":{}', 'body/prototype'],
    ['__proto__ in escapes', ',"\\u005f_proto__":{"role":"owner"}', 'body/__proto__'],
    ['a field twice', ',"email":"b@body.test"', 'body'],
    ['a field twice, once with a space behind it', ',"email" :"b@body.test"', 'body'],
    ['a field twice, once with a line behind it', ',"email"\n:"b@body.test"', 'body'],
    ['a field twice, once with a colon as its value', ',"email" :":"', 'body'],
    ['a field twice, once in escapes', ',"\\u0065mail":"b@body.test"', 'body'],
    ['an unknown field', ',"remember":true', 'body/remember'],
    ['a NUL', ',"note":"a\\u0000b"', 'body/note'],
    ['half of a character', ',"note":"\\ud83d"', 'body/note'],
  ])('that names %s is refused', async (_what, more, path) => {
    const { status, problem } = await send(credentials(more))
    expect({ status, path: problem.errors?.[0]?.path }).toEqual({ status: 422, path })
    expect(({} as { role?: string }).role).toBeUndefined()
  })

  test('may hold colons, braces and quotes in its text', async () => {
    const name = '{"a":1,"a":2}: \\" \\\\ ::'
    const { business } = await freehold.signUp({ business: { name } })
    expect(business.name).toBe(name)
  })

  test('in a nested object is looked at as well', async () => {
    const form = `{"email":"n@body.test","password":"${password}","firstName":"A","lastName":"B","business":`
    for (const [business, path] of [
      ['{"name":"x","__proto__":{}}', 'body/business/__proto__'],
      ['{"name":"x","name":"y"}', 'body'],
      ['{"name":"x","fields":{"constructor":1}}', 'body/business/fields/constructor'],
      ['{"name":"x","fields":{"deep":[{"__proto__":1}]}}', 'body/business/fields/deep/0/__proto__'],
    ] as const) {
      const { status, problem } = await send(`${form}${business}}`, 'application/json', '/v1/signup')
      expect({ status, path: problem.errors?.[0]?.path }).toEqual({ status: 422, path })
    }
  })

  test('of more than 256 KiB is too large, whether or not it says so before', async () => {
    const large = credentials(`,"note":"${'x'.repeat(256 * 1024)}"`)
    expect(await send(large)).toMatchObject({ status: 413, problem: { code: 'payload_too_large' } })
    const stream = new Blob([large]).stream()
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${freehold.base}/v1/login`, {
      method: 'POST',
      headers,
      body: stream,
      duplex: 'half',
    })
    expect(answer.status).toBe(413)
    await answer.arrayBuffer()
  })

  test.each([
    ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000)],
    ['open arrays', '['.repeat(200_000)],
    ['many small values', `[${'1,'.repeat(120_000)}1]`],
    ['many quotes', `{"a":"${'\\"'.repeat(100_000)}"}`],
  ])('of 100,000 %s is refused at once', async (_what, body) => {
    await send(body)
    const { status, milliseconds } = await send(body)
    expect([400, 422]).toContain(status)
    expect(milliseconds).toBeLessThan(1000)
  })

  test.each(['1e400', '-1e400', '9007199254740992', '1.5', '-0.0000001', '123456789012345678901234567890'])(
    'with the amount %s counts nothing',
    async (amount) => {
      const { apiKeys, business } = await freehold.signUp()
      const answer = await freehold.api.call('POST', '/v1/consume', `{"feature":"recordings","amount":${amount}}`, {
        token: apiKeys[0].key,
      })
      expect(answer.status).toBe(422)
      expect(answer.body.errors[0].path).toBe('body/amount')
      expect(
        await freehold.sql('select from freehold.usage_entries where business_id = $1', [business.id]),
      ).toHaveLength(0)
    },
  )
})

describe('a query', () => {
  test.each([
    ['limit=1&limit=2', 'querystring/limit'],
    ['limit=0', 'querystring/limit'],
    ['limit=101', 'querystring/limit'],
    ['limit=ten', 'querystring/limit'],
    ['limit=1e1000', 'querystring/limit'],
    ['limit[]=1', 'querystring/limit[]'],
    ['role=owner', 'querystring/role'],
    ['__proto__=1', 'querystring/__proto__'],
    ['constructor=1', 'querystring/constructor'],
  ])('%s is refused', async (query, path) => {
    const { token } = await freehold.signUp()
    const answer = await freehold.api.get(`/v1/me/sessions?${query}`, { token })
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].path).toBe(path)
  })

  test('text that cannot be stored is refused by the name of its parameter', async () => {
    const { business, token } = await freehold.signUp()
    const answer = await freehold.api.get(`/v1/businesses/${business.id}/audit?actor=%00`, { token })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'querystring/actor' }] } })
  })

  test.each(['zzz', '', '%00', 'eyJhIjoxfQ', "mem_'--", 'mem_1~2'])(
    'a cursor no list gave is refused: %s',
    async (cursor) => {
      const { business, token } = await freehold.signUp()
      for (const list of ['members', 'invitations', 'api-keys', 'audit', 'support-access']) {
        const answer = await freehold.api.get(`/v1/businesses/${business.id}/${list}?cursor=${cursor}`, { token })
        expect(answer.status).toBe(422)
        expect(answer.body.errors[0].path).toBe('querystring/cursor')
      }
    },
  )

  test('a name of blanks is refused in words, not with a regular expression', async () => {
    const { token } = await freehold.signUp()
    const answer = await freehold.api.patch('/v1/me', { firstName: ' ' }, { token })
    expect(answer.body.errors).toEqual([
      { path: 'body/firstName', message: 'is blank, or holds characters that do not belong here' },
    ])
  })

  test.each(['\u200b', '\u3164\u00ad', 'Ann\u202egnp', '\u2066Ann', 'Ann\u2028Acme', 'Ann\u0085'])(
    'a name that is invisible, or disturbs what stands around it, is refused: %j',
    async (name) => {
      const { token } = await freehold.signUp()
      expect((await freehold.api.post('/v1/businesses', { name }, { token })).body).toMatchObject({
        code: 'invalid_request',
        errors: [{ path: 'body/name' }],
      })
    },
  )

  test.each(['Ζωή', 'עברית', 'नमस्ते', '👩\u200d👧', 'A\u00a0B', "O'Brien & Söhne"])('a name may be %j', async (name) => {
    const { token } = await freehold.signUp()
    expect((await freehold.api.post('/v1/businesses', { name }, { token })).body).toMatchObject({ business: { name } })
  })
})
