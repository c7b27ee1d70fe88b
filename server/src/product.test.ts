import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, password, type TestFreehold } from '../test/harness.ts'
import { days, defineProduct, FreeholdError, fromKysely, months, ProductDefinitionError, Type, usd } from './index.ts'

const base = {
  name: 'Recorder',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
  features: {
    recordings: { kind: 'metered' },
    exports: { kind: 'switch' },
    retentionDays: { kind: 'value' },
  },
} as const
const free = {
  name: 'Free',
  cycle: days(15),
  price: usd(0),
  includes: { recordings: 10, members: 5, retentionDays: 7 },
} as const

describe('a definition', () => {
  test('names everything that is wrong with it, by path', () => {
    const define = () =>
      defineProduct({
        ...base,
        name: '',
        brand: { color: 'blue', logoUrl: 'javascript:alert(1)' },
        howToPay: ' ',
        permissions: { 'recordings:create': 'write', Recordings: 'read' } as never,
        roles: { owner: [] } as never,
        plans: {
          free: { ...free, includes: { recordings: -1, exports: 1, retentionDays: null, seats: 2 } as never },
          dear: { ...free, price: usd(1.5), onEnd: { fallback: 'gratis' as 'free' }, fields: { colour: 'red' } },
        },
        signup: { plan: 'gratis' as 'free' },
        tasks: { sweep: { schedule: 'at night', run: async () => {} } },
      })
    for (const path of [
      'name:',
      'brand.color:',
      'brand.logoUrl:',
      'howToPay:',
      'permissions.Recordings:',
      'roles.owner:',
      'plans.free.includes.recordings:',
      'plans.free.includes.exports:',
      'plans.free.includes.retentionDays:',
      'plans.free.includes.seats:',
      'plans.dear.price:',
      'plans.dear.onEnd.fallback:',
      'plans.dear.fields.colour:',
      'signup.plan:',
      'tasks.sweep.schedule:',
    ]) {
      expect(define).toThrow(path)
    }
  })

  test('is checked at start too, for those who do not compile it', () => {
    const define = () =>
      defineProduct({
        name: 'Recorder',
        permissions: { 'recordings:create': 'rite' },
        keys: { sdk: { prefix: 'pk', permissions: [], rateLimit: { perMinute: -1 } } },
        features: {
          recordings: { kind: 'metred' },
          seats: { kind: 'allocated', onDowngrade: 'delete' },
          calls: { kind: 'metered', resets: 'week' },
          members: { kind: 'metered' },
        },
        plans: { free: { name: '', cycle: { unit: 'hour', count: 1 }, price: usd(0), onEnd: 'stop', includes: {} } },
        signup: { plan: 'free', mode: 'opne', verifyEmail: 'never' },
        catchUp: 'later',
      } as never)
    for (const path of [
      'permissions.recordings:create:',
      'keys.sdk.rateLimit:',
      'features.recordings.kind:',
      'features.seats.onDowngrade:',
      'features.calls.resets:',
      'features.members:',
      'plans.free.name:',
      'plans.free.cycle:',
      'plans.free.onEnd:',
      'signup.mode:',
      'signup.verifyEmail:',
      'catchUp:',
    ]) {
      expect(define).toThrow(`- ${path}`)
    }
    expect(() => defineProduct({ name: 'Recorder' } as never)).toThrow('- plans: is missing')
    expect(() => defineProduct(undefined as never)).toThrow('takes an object')
  })

  const growth = { name: 'Growth', prices: { monthly: usd(49_00) }, includes: {} }
  test.each<[problem: string, mistake: object]>([
    ['signup: is missing', { signup: undefined }],
    ['signup.plan: unknown plan fre; did you mean free?', { signup: { plan: 'fre' } }],
    ["signup.keys: must be a list such as ['sdk']", { signup: { plan: 'free', keys: 'sdk' } }],
    ['feautres: is unknown; did you mean features?', { feautres: {} }],
    ['noun: must not be empty', { noun: '' }],
    ["permissions: must be an object such as { 'recordings:create': 'write' }", { permissions: ['recordings:create'] }],
    ["roles.viewer: must be a list such as ['recordings:read']", { roles: { viewer: 'recordings:create' } }],
    ['roles.big boss: must begin with a letter', { roles: { 'big boss': [] } }],
    ['did you mean recordings:create?', { roles: { viewer: ['recordings:craete'] } }],
    ['keys.sdk.prefix: is missing', { keys: { sdk: { permissions: [] } } }],
    ['keys.sdk.rateLimit: must be an object with perMinute', { keys: { sdk: { ...base.keys.sdk, rateLimit: 600 } } }],
    ['features.recordings: must be an object with kind,', { features: { recordings: 'metered' } }],
    ['features.exports.type: is unknown', { features: { ...base.features, exports: { type: 'switch' } } }],
    ['plans.free: must be an object with name,', { plans: { free: null } }],
    [
      'plans.growth.trail: is unknown; did you mean trial?',
      { plans: { free, growth: { ...growth, trail: days(14) } } },
    ],
    ['plans.growth.trial: must be a number of days', { plans: { free, growth: { ...growth, trial: 14 } } }],
    [
      'prices.annual: is unknown; there is monthly,',
      { plans: { free, growth: { ...growth, prices: { annual: usd(1) } } } },
    ],
    ['plans.free.price: must be money such as usd(49_00)', { plans: { free: { ...free, price: 49 } } }],
    ['plans.free.cycle: is missing beside price', { plans: { free: { ...free, cycle: undefined } } }],
    ['plans.free: has either price with cycle, or prices', { plans: { free: { ...free, ...growth } } }],
    ['plans.free.onEnd: must name the plan', { plans: { free: { ...free, onEnd: 'fallback' } } }],
    [
      'includes.recording: unknown feature; did you mean recordings?',
      { plans: { free: { ...free, includes: { recording: 1 } } } },
    ],
    ['fields.business: must be a schema such as Type.Object', { fields: { business: { country: 'string' } } }],
    ['hooks.beforeSignUp: is unknown; did you mean beforeSignup?', { hooks: { beforeSignUp: () => {} } }],
    ['tasks.sweep.run: is missing', { tasks: { sweep: { schedule: '0 3 * * *' } } }],
    [
      'on.subscription.renewd: is unknown; did you mean subscription.renewed?',
      { on: { 'subscription.renewd': () => {} } },
    ],
  ])('says %s', (problem, mistake) => {
    const mistaken: object = { ...base, plans: { free }, signup: { plan: 'free' }, ...mistake }
    const define = () => defineProduct(mistaken as never)
    expect(define).toThrow(ProductDefinitionError)
    expect(define).toThrow(problem)
  })
})

describe('hooks', () => {
  let freehold: TestFreehold
  beforeAll(async () => {
    freehold = await createTestFreehold({
      product: defineProduct({
        ...base,
        plans: { free },
        signup: { plan: 'free' },
        hooks: {
          beforeSignup: async (tx, { email, businessName }) => {
            if (email.endsWith('@competitor.test')) throw new FreeholdError('signup_closed', 'Not for competitors')
            await fromKysely(tx).query('insert into seen (what) values ($1)', [`before ${email} ${businessName}`])
          },
          afterSignup: async (tx, { userId, businessId, email }) => {
            await fromKysely(tx).query('insert into workspaces (business_id, user_id) values ($1, $2)', [
              businessId,
              userId,
            ])
            if (email.startsWith('unlucky')) throw new Error('the workspace cannot be made')
          },
          beforeInvite: async (tx, { businessId, email }) => {
            const { rows } = await fromKysely(tx).query('select from workspaces where business_id = $1 and full_up', [
              businessId,
            ])
            if (rows.length > 0) throw new FreeholdError('conflict', `No room for ${email}`)
            await fromKysely(tx).query('insert into seen (what) values ($1)', [`invite ${email}`])
          },
          afterJoin: async (tx, { businessId, memberId }) => {
            await fromKysely(tx).query('insert into seen (what) values ($1)', [`join ${businessId} ${memberId}`])
          },
        },
      }),
    })
    // The product's own rows, in one database with Freehold.
    await freehold.sql('create table workspaces (business_id text, user_id text, full_up boolean default false)')
    await freehold.sql('create table seen (what text)')
  })
  afterAll(() => freehold.close())

  const signUp = (email: string) =>
    freehold.api.post('/v1/signup', {
      business: { name: 'Acme' },
      email,
      password,
      firstName: 'Ann',
      lastName: 'Acme',
    })
  const seen = async (what: string) => (await freehold.sql('select from seen where what like $1', [`${what}%`])).length

  test('refuse a sign-up with an answer of their own, and nothing is left of it', async () => {
    const refused = await signUp('ann@competitor.test')
    expect(refused).toMatchObject({ status: 403, body: { code: 'signup_closed', detail: 'Not for competitors' } })
    expect(await freehold.sql("select from freehold.users where email = 'ann@competitor.test'")).toEqual([])
  })

  test("write the product's own rows with the sign-up", async () => {
    const { body } = await signUp('ann@acme.test')
    const rows = await freehold.sql('select business_id, user_id from workspaces where business_id = $1', [
      body.business.id,
    ])
    expect(rows).toEqual([{ business_id: body.business.id, user_id: body.user.id }])
    expect(await seen('before ann@acme.test Acme')).toBe(1)
  })

  test('undo the sign-up when they fail, their own rows included', async () => {
    const workspaces = async () => (await freehold.sql('select from workspaces')).length
    const before = await workspaces()
    expect((await signUp('unlucky@acme.test')).status).toBe(500)
    expect(await workspaces()).toBe(before)
    expect(await seen('before unlucky')).toBe(0)
    expect(await freehold.sql("select from freehold.users where email like 'unlucky%'")).toEqual([])
    expect(await freehold.sql("select from freehold.mails where recipient like 'unlucky%'")).toEqual([])
  })

  test("look at the product's own rows before an invitation, which stays fenced in", async () => {
    const { body } = await signUp('bea@acme.test')
    const invite = (email: string) =>
      freehold.api.post(
        `/v1/businesses/${body.business.id}/invitations`,
        { email, role: 'member' },
        { token: body.token },
      )
    expect((await invite('carl@acme.test')).status).toBe(201)
    expect(await seen('invite carl@acme.test')).toBe(1)
    await freehold.sql('update workspaces set full_up = true where business_id = $1', [body.business.id])
    expect(await invite('dora@acme.test')).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: 'No room for dora@acme.test' },
    })
    expect(await seen('invite dora')).toBe(0)

    const joined = await freehold.api.post('/v1/signup', {
      invitationToken: await freehold.mailedToken('carl@acme.test'),
      password,
      firstName: 'Carl',
      lastName: 'Acme',
    })
    expect(joined.status).toBe(201)
    expect(await seen(`join ${body.business.id} ${joined.body.member.id}`)).toBe(1)
  })
})

describe('fields', () => {
  let freehold: TestFreehold
  beforeAll(async () => {
    freehold = await createTestFreehold({
      product: defineProduct({
        ...base,
        plans: { free: { ...free, fields: { colour: 'grey' } } },
        signup: { plan: 'free' },
        fields: {
          business: Type.Object({
            country: Type.String({ minLength: 2, maxLength: 2 }),
            vatId: Type.Optional(Type.String()),
          }),
          member: Type.Object({ desk: Type.Optional(Type.Integer()) }),
          user: Type.Object({ phone: Type.Optional(Type.String()) }),
          plan: Type.Object({ colour: Type.String() }),
        },
      }),
    })
  })
  afterAll(() => freehold.close())

  const details = (fields?: unknown) => ({ business: { name: 'Acme', ...(fields === undefined ? {} : { fields }) } })

  test('of a business are checked at sign-up, kept and handed to routes that are guarded', async () => {
    const acme = await freehold.signUp(details({ country: 'NL' }))
    expect(acme.business.fields).toEqual({ country: 'NL' })
    const decision = await freehold.authorize({ authorization: `Bearer ${acme.token}` }, 'business:read', {
      businessId: acme.business.id,
    })
    expect(decision).toMatchObject({ ok: true, business: { fields: { country: 'NL' } } })
  })

  test.each([
    [undefined, 'body/business/fields'],
    [{ country: 'Netherlands' }, 'body/business/fields/country'],
    [{ country: 31 }, 'body/business/fields/country'],
    [{ country: 'NL', size: 3 }, 'body/business/fields/size'],
    [{ country: 'NL', toString: 'x' }, 'body/business/fields/toString'],
    ['NL', 'body/business/fields'],
  ])('of a business are refused as %j', async (fields, path) => {
    const refused = await freehold.api.post('/v1/signup', {
      ...details(fields),
      email: 'refused@acme.test',
      password,
      firstName: 'A',
      lastName: 'B',
    })
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
    expect(await freehold.sql("select from freehold.users where email = 'refused@acme.test'")).toEqual([])
  })

  test('change one by one', async () => {
    const acme = await freehold.signUp(details({ country: 'NL' }))
    const path = `/v1/businesses/${acme.business.id}`
    const changed = await freehold.api.patch(path, { fields: { vatId: 'NL1' } }, { token: acme.token })
    expect(changed).toMatchObject({ status: 200, body: { fields: { country: 'NL', vatId: 'NL1' } } })
    const refused = await freehold.api.patch(path, { fields: { country: '' } }, { token: acme.token })
    expect(refused.status).toBe(422)

    const member = `${path}/members/${acme.member.id}`
    expect((await freehold.api.patch(member, { fields: { desk: 7 } }, { token: acme.token })).body.fields).toEqual({
      desk: 7,
    })
    expect((await freehold.api.patch(member, { fields: { desk: 'x' } }, { token: acme.token })).status).toBe(422)
    const me = await freehold.api.patch('/v1/me', { fields: { phone: '112' } }, { token: acme.token })
    expect(me.body.fields).toEqual({ phone: '112' })
  })

  test('of a plan stand in the catalogue', async () => {
    const { body } = await freehold.api.get('/v1/plans')
    expect(body.items).toMatchObject([{ key: 'free', fields: { colour: 'grey' } }])
  })

  test('stand in the description of the API, whole where something is made and optional where it is changed', async () => {
    const { body } = await freehold.api.get('/openapi.json')
    const bodyOf = (path: string, method: string) =>
      body.paths[path][method].requestBody.content['application/json'].schema.properties
    const ref = (noun: string) => ({ $ref: `#/components/schemas/${noun}Fields` })
    expect(body.components.schemas.BusinessFields).toMatchObject({
      required: ['country'],
      properties: { country: { type: 'string', maxLength: 2 } },
      additionalProperties: false,
    })
    expect(bodyOf('/v1/signup', 'post').business.properties.fields).toEqual(ref('Business'))
    expect(bodyOf('/v1/businesses', 'post').fields).toEqual(ref('Business'))
    const changing = bodyOf('/v1/businesses/{businessId}', 'patch').fields
    expect(changing).toMatchObject({ properties: { vatId: { type: 'string' } } })
    expect(changing).not.toHaveProperty('required')
    for (const noun of ['Business', 'Member', 'User', 'Plan']) {
      expect(body.components.schemas[noun].properties.fields).toEqual(ref(noun))
    }
    expect(JSON.stringify(body)).not.toContain('x-fields')
  })

  test('that nobody declares are not taken, and described as any', async () => {
    const plain = await createTestFreehold()
    try {
      const { body } = await plain.api.get('/openapi.json')
      expect(body.components.schemas.Business.properties.fields).toMatchObject({ type: 'object' })
      expect(JSON.stringify(body)).not.toContain('x-fields')
      const acme = await plain.signUp()
      const refused = await plain.api.patch(
        `/v1/businesses/${acme.business.id}`,
        { fields: { country: 'NL' } },
        { token: acme.token },
      )
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'body/fields/country' }] } })
    } finally {
      await plain.close()
    }
  })
})

describe('tasks', () => {
  test('run on their schedule, with what each business may use', async () => {
    const kept: Record<string, number | undefined> = {}
    const freehold = await createTestFreehold({
      worker: true,
      product: defineProduct({
        ...base,
        plans: { free, dear: { ...free, cycle: months(1), includes: { retentionDays: 90 } } },
        signup: { plan: 'free' },
        tasks: {
          retention: {
            schedule: '0 3 * * *',
            run: async ({ transaction, entitlements }) => {
              const { rows } = await transaction((tx) =>
                fromKysely(tx).query('select id from freehold.businesses -- test', []),
              )
              for (const { id } of rows) {
                kept[String(id)] = (await entitlements(String(id)))?.retentionDays.value
              }
            },
          },
        },
      }),
    })
    try {
      const [acme, closed] = [await freehold.signUp(), await freehold.signUp()]
      freehold.ok(await freehold.api.delete(`/v1/businesses/${closed.business.id}`, { token: closed.token }))
      await freehold.eventually(async () => {
        const rows = await freehold.sql("select from freehold.schedules where task = 'retention'")
        return rows.length > 0
      }, 'the schedule')
      await freehold.advance(seconds(1))
      await freehold.eventually(async () => acme.business.id in kept && closed.business.id in kept, 'the task')
      expect(kept).toEqual({ [acme.business.id]: 7, [closed.business.id]: undefined })
    } finally {
      await freehold.close()
    }
  })

  test("may not take the name of one of Freehold's own", async () => {
    const product = defineProduct({
      ...base,
      plans: { free },
      signup: { plan: 'free' },
      tasks: { 'clean-up': { schedule: '* * * * *', run: async () => {} } },
    })
    await expect(createTestFreehold({ product, worker: true })).rejects.toThrow('tasks.clean-up')
  })
})
