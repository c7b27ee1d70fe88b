import Fastify from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import pg from 'pg'
import { Kysely, PostgresDialect } from 'kysely'
import { describe, expectTypeOf, test } from 'vitest'
import { createFreehold, days, defineProduct, fromKysely, fromPg, months, Type, usd, type Product } from './index.ts'

const product = defineProduct({
  name: 'Recorder',
  permissions: { 'recordings:read': 'read', 'recordings:create': 'write' },
  roles: { viewer: ['recordings:read', 'members:read'] },
  keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
  features: {
    recordings: { kind: 'metered' },
    seconds: { kind: 'metered', resets: 'month' },
    applications: { kind: 'allocated' },
    boards: { kind: 'allocated', onDowngrade: 'freeze_newest' },
    exports: { kind: 'switch' },
    retentionDays: { kind: 'value' },
  },
  plans: {
    free: {
      name: 'Free',
      cycle: days(15),
      price: usd(0),
      includes: { recordings: 100, members: 3, exports: false, retentionDays: 7 },
      fields: { colour: 'grey' },
    },
    paid: {
      name: 'Paid',
      prices: { monthly: usd(49_00) },
      onEnd: { fallback: 'free' },
      includes: {
        recordings: { limit: 1000, overage: { price: usd(1), unitsPerPrice: 10, spendCap: usd(50_00) } },
        applications: null,
        members: null,
      },
      fields: { colour: 'gold' },
    },
  },
  signup: { plan: 'free', keys: ['sdk'] },
  fields: {
    business: Type.Object({ country: Type.String(), vatId: Type.Optional(Type.String()) }),
    plan: Type.Object({ colour: Type.String() }),
  },
  tasks: {
    sweep: {
      schedule: '0 3 * * *',
      run: async ({ entitlements }) => {
        const owned = await entitlements('biz_1')
        expectTypeOf(owned?.retentionDays.value).toEqualTypeOf<number | undefined>()
      },
    },
  },
})
const freehold = await createFreehold({ product, database: new pg.Pool() })

const rest = {
  name: 'Recorder',
  plans: { free: { name: 'Free', cycle: months(1), price: usd(0), includes: {} } },
  signup: { plan: 'free' },
} as const
const features = { recordings: { kind: 'metered' }, exports: { kind: 'switch' }, days: { kind: 'value' } } as const

describe('a product definition', () => {
  test('refuses a permission that a role or key names and nobody declares', () => {
    const permissions = { 'recordings:read': 'read' } as const
    // @ts-expect-error a typo in a role's permissions
    defineProduct({ ...rest, features, permissions, roles: { member: ['recordings:raed'] } })
    // @ts-expect-error a typo in a key's permissions
    defineProduct({ ...rest, features, permissions, keys: { sdk: { prefix: 'pk', permissions: ['recordings:x'] } } })
    // @ts-expect-error keys manage nothing of Freehold's
    defineProduct({ ...rest, features, permissions, keys: { sdk: { prefix: 'pk', permissions: ['members:manage'] } } })
    // @ts-expect-error neither read nor write
    defineProduct({ ...rest, features, permissions: { 'recordings:read': 'maybe' } })
  })

  test('refuses roles that hold everything already', () => {
    const permissions = { 'recordings:read': 'read' } as const
    // @ts-expect-error owner holds all of the product's permissions
    defineProduct({ ...rest, features, permissions, roles: { owner: ['recordings:read'] } })
    // @ts-expect-error and so does admin
    defineProduct({ ...rest, features, permissions, roles: { admin: ['recordings:read'], viewer: [] } })
  })

  test('refuses a plan, key type or fallback that does not exist', () => {
    // @ts-expect-error no such plan
    defineProduct({ ...rest, features, signup: { plan: 'gratis' } })
    const keys = { sdk: { prefix: 'pk', permissions: [] } }
    // @ts-expect-error no such key type
    defineProduct({ ...rest, features, keys, signup: { plan: 'free', keys: ['server'] } })
    defineProduct({
      ...rest,
      features,
      // @ts-expect-error no such plan to fall back to
      plans: { free: { name: 'Free', cycle: days(1), price: usd(0), includes: {}, onEnd: { fallback: 'gratis' } } },
    })
  })

  test('refuses features that are not declared and values of the wrong kind', () => {
    const plan = { name: 'Free', cycle: days(15), price: usd(0) } as const
    // @ts-expect-error no such feature
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { recording: 1 } } } })
    // @ts-expect-error a switch is on or off
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { exports: 1 } } } })
    // @ts-expect-error a value is a number and never unlimited
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { days: null } } } })
    // @ts-expect-error a count is a number
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { recordings: true } } } })
    const soft = { limit: 10, overage: { price: usd(1) } }
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { recordings: soft } } } })
    // @ts-expect-error only what is counted per period goes on beyond its limit
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { members: soft } } } })
    const unlimited = { ...soft, limit: null }
    // @ts-expect-error beyond unlimited there is nothing
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { recordings: unlimited } } } })
    const bare = { limit: 1, overage: { price: 1 } }
    // @ts-expect-error a price is money
    defineProduct({ ...rest, features, plans: { free: { ...plan, includes: { recordings: bare } } } })
    // @ts-expect-error no such kind
    defineProduct({ ...rest, features: { recordings: { kind: 'counted' } } })
    // @ts-expect-error no such policy
    defineProduct({ ...rest, features: { boards: { kind: 'allocated', onDowngrade: 'freeze' } } })
    // @ts-expect-error a trial is given in days
    defineProduct({ ...rest, features, plans: { free: { ...plan, trial: months(1), includes: {} } } })
    // @ts-expect-error a plan has a price and a cycle, or prices
    defineProduct({ ...rest, features, plans: { free: { name: 'Free', cycle: days(15), includes: {} } } })
  })

  test('types the fields of a plan by their schema', () => {
    const fields = { plan: Type.Object({ colour: Type.String() }) }
    const plan = { name: 'Free', cycle: days(15), price: usd(0), includes: {} } as const
    defineProduct({ ...rest, features, fields, plans: { free: { ...plan, fields: { colour: 'grey' } } } })
    // @ts-expect-error a colour is text
    defineProduct({ ...rest, features, fields, plans: { free: { ...plan, fields: { colour: 7 } } } })
  })

  test('knows the features in its tasks', () => {
    defineProduct({
      ...rest,
      features,
      tasks: {
        sweep: {
          schedule: '* * * * *',
          run: async ({ entitlements, now }) => {
            expectTypeOf(now()).toEqualTypeOf<Date>()
            const owned = await entitlements('biz_1')
            // @ts-expect-error no such feature
            void owned?.dayz
          },
        },
      },
    })
  })

  test('knows the events, their data, and the features in their handlers', () => {
    defineProduct({
      ...rest,
      features,
      on: {
        'subscription.renewed': async ({ id, type, businessId, data }, { entitlements }) => {
          expectTypeOf([id, businessId]).toEqualTypeOf<string[]>()
          expectTypeOf(type).toEqualTypeOf<'subscription.renewed'>()
          expectTypeOf(data.cycleEnd).toEqualTypeOf<Date>()
          // @ts-expect-error no such data
          void data.cycleends
          const owned = await entitlements(businessId)
          expectTypeOf(owned?.exports.enabled).toEqualTypeOf<boolean | undefined>()
          // @ts-expect-error no such feature
          void owned?.export
        },
        'business.closed': ({ businessId }) => {
          expectTypeOf(businessId).toBeString()
        },
      },
    })
    // @ts-expect-error no such event
    defineProduct({ ...rest, features, on: { 'subscription.renewd': () => {} } })
  })
})

describe('a typed Freehold', () => {
  test('guards with permissions that exist', () => {
    freehold.guard('recordings:create')
    freehold.guard('members:read')
    freehold.guard('recordings:create', { consume: 'recordings' })
    freehold.guard('recordings:create', { consume: { feature: 'seconds', amount: 30 } })
    // @ts-expect-error a typo
    freehold.guard('recordings:creat')
    // @ts-expect-error no such feature
    freehold.guard('recordings:create', { consume: 'recording' })
    // @ts-expect-error items are allocated, not consumed
    freehold.guard('recordings:create', { consume: 'applications' })
    // @ts-expect-error a switch is not consumed
    freehold.guard('recordings:create', { consume: { feature: 'exports' } })
    // @ts-expect-error a typo
    void freehold.authorize(new Headers(), 'recordings:creat')
  })

  test('counts features of the right kind', () => {
    const client = new pg.Client()
    const db = new Kysely<{ recordings: { id: string } }>({ dialect: new PostgresDialect({ pool: new pg.Pool() }) })
    void freehold.consume(fromPg(client), { businessId: 'biz_1', feature: 'recordings' })
    void db.transaction().execute((tx) => freehold.consume(fromKysely(tx), { businessId: 'biz_1', feature: 'seconds' }))
    void freehold.allocate(fromPg(client), { businessId: 'biz_1', feature: 'applications', itemId: 'one' })
    const item = { businessId: 'biz_1', feature: 'boards', itemId: 'one' } as const
    expectTypeOf(freehold.release(fromPg(client), item))
      .resolves.toHaveProperty('thawed')
      .toEqualTypeOf<string[]>()
    // @ts-expect-error no such feature
    void freehold.consume(fromPg(client), { businessId: 'biz_1', feature: 'recording' })
    // @ts-expect-error items are allocated
    void freehold.consume(fromPg(client), { businessId: 'biz_1', feature: 'applications' })
    // @ts-expect-error units are consumed
    void freehold.allocate(fromPg(client), { businessId: 'biz_1', feature: 'recordings', itemId: 'one' })
  })

  test('says what the guard found out, by the names of the product', () => {
    const { actor, business, subscription, entitlements } = freehold.access({})
    expectTypeOf(actor.kind).toEqualTypeOf<'user' | 'staff' | 'key' | 'app' | 'system'>()
    expectTypeOf(business.id).toBeString()
    expectTypeOf(business.fields.country).toBeString()
    expectTypeOf(business.fields.vatId).toEqualTypeOf<string | undefined>()
    expectTypeOf(subscription.cycleEnd).toEqualTypeOf<Date>()
    expectTypeOf(entitlements.exports.enabled).toBeBoolean()
    expectTypeOf(entitlements.retentionDays.value).toBeNumber()
    expectTypeOf(entitlements.recordings.remaining).toEqualTypeOf<number | null>()
    expectTypeOf(entitlements.members.limit).toEqualTypeOf<number | null>()
    expectTypeOf(entitlements.recordings.overage?.units).toEqualTypeOf<number | undefined>()
    expectTypeOf(entitlements.boards.frozen).toEqualTypeOf<number | undefined>()
    // @ts-expect-error units are not frozen
    void entitlements.recordings.frozen
    // @ts-expect-error no such feature
    void entitlements.recording
    // @ts-expect-error a switch has no limit
    void entitlements.exports.limit
  })

  test('answers a decision that has to be looked at', async () => {
    const decision = await freehold.authorize({ authorization: 'Bearer x' }, 'recordings:read', { businessId: 'biz_1' })
    // @ts-expect-error only when it is ok
    void decision.business
    if (decision.ok) expectTypeOf(decision.business.fields.country).toBeString()
    else expectTypeOf(decision.problem.status).toBeNumber()
  })

  test('fits applications that are typed otherwise', () => {
    const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
    app.post(
      '/recordings',
      { preHandler: freehold.guard('recordings:create'), schema: { body: Type.Object({ name: Type.String() }) } },
      async (request) => ({ name: request.body.name, business: freehold.access(request).business.id }),
    )
    void app.register(freehold.fastify)
    expectTypeOf(product).toExtend<Product>()
  })

  test('takes any name where the product is not known', async () => {
    const loaded: Product = product
    const any = await createFreehold({ product: loaded, database: 'postgres://' })
    any.guard('whatever:it-is', { consume: 'anything' })
  })
})
