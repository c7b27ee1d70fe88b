import { expect, test } from 'vitest'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold } from '../test/harness.ts'
import { openapiDocument } from './openapi.ts'

test('the document made without a database is the one a server answers', async () => {
  const freehold = await createTestFreehold()
  try {
    const answered = freehold.ok(await freehold.api.get('/openapi.json'))
    expect(JSON.parse(await openapiDocument(sessionRecorder))).toEqual(answered)
  } finally {
    await freehold.close()
  }
})

test('it is the same every time, in the order of names', async () => {
  const document = await openapiDocument(sessionRecorder)
  expect(await openapiDocument(sessionRecorder)).toBe(document)
  const { paths, components } = JSON.parse(document)
  expect(Object.keys(paths)).toEqual(Object.keys(paths).toSorted())
  expect(Object.keys(components.schemas)).toEqual(Object.keys(components.schemas).toSorted())
})

test('it is OpenAPI 3.1: types may be null, nothing is nullable, and every reference leads somewhere', async () => {
  const text = await openapiDocument(sessionRecorder)
  const { openapi, components } = JSON.parse(text)
  expect(openapi).toMatch(/^3\.1\./)
  expect(text).not.toMatch(/"(nullable|example|\$id|definitions)":/)
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map((match) => match[1])
  expect(references.length).toBeGreaterThan(50)
  const known = new Set(Object.keys(components.schemas).map((name) => `#/components/schemas/${name}`))
  expect(references.filter((reference) => !known.has(reference ?? ''))).toEqual([])
})

test('it says who may call what, what a refusal looks like, and which body is needed', async () => {
  const { paths, components } = JSON.parse(await openapiDocument(sessionRecorder))
  const invite = paths['/v1/businesses/{businessId}/invitations'].post
  expect(invite).toMatchObject({
    operationId: 'createInvitation',
    description: 'Needs the permission `invitations:manage`',
    security: [{ bearer: [] }, { cookie: [] }],
    requestBody: { required: true },
    responses: {
      default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  })
  expect(invite.parameters.map(({ name }: { name: string }) => name)).toEqual(['businessId', 'idempotency-key'])
  expect(paths['/v1/login'].post.security).toEqual([])
  expect(paths['/v1/logout'].post.requestBody).toBeUndefined()
  expect(paths['/v1/reservations/{id}/confirm'].post.requestBody.required).toBe(false)
  expect(components.schemas).toHaveProperty('Business')
})

test('what has a default may be left out, as it may be of the request', async () => {
  const { paths } = JSON.parse(await openapiDocument(sessionRecorder))
  const list = paths['/v1/businesses/{businessId}/members'].get
  expect(list.parameters.find(({ name }: { name: string }) => name === 'limit').required).toBe(false)
  const bodies = Object.values(paths).flatMap((operations) =>
    Object.values(operations as Record<string, any>).flatMap(({ requestBody }) => requestBody ?? []),
  )
  for (const { content } of bodies) {
    const { required = [], properties } = content['application/json'].schema
    for (const name of required) expect(properties[name]).not.toHaveProperty('default')
  }
  expect(paths['/v1/businesses/{businessId}/api-keys/{id}/rotate'].post.requestBody.required).toBe(false)

  const freehold = await createTestFreehold()
  try {
    const { business, token, apiKeys } = await freehold.signUp()
    const of = `/v1/businesses/${business.id}`
    freehold.ok(await freehold.api.get(`${of}/members`, { token }))
    const rotated = await freehold.api.post(`${of}/api-keys/${apiKeys[0].id}/rotate`, undefined, { token })
    expect(rotated.status).toBe(201)
  } finally {
    await freehold.close()
  }
})
