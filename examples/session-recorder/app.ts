import { readFile } from 'node:fs/promises'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { createFreehold, FreeholdError, fromKysely, Type, type FreeholdOptions } from 'freehold'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import product from './freehold.config.ts'
import { addApplication, newestRecordings, removeApplication, saveRecording, type Tables } from './recordings.ts'

export type AppOptions = Omit<FreeholdOptions, 'product' | 'database'> & { databaseUrl: string }

/** The whole product: its own routes beside Freehold's, on one database. */
export async function createApp({ databaseUrl, ...options }: AppOptions) {
  const pool = new pg.Pool({ connectionString: databaseUrl })
  // A connection that breaks while idle is replaced; without a listener it would end the process.
  pool.on('error', () => {})
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] })
  const freehold = await createFreehold({ product, database: pool, worker: true, ...options })
  await pool.query(await readFile(new URL('tables.sql', import.meta.url), 'utf8'))

  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler(freehold.errorHandler)
  app.addHook('onClose', async () => {
    await freehold.close()
    await db.destroy()
  })
  await app.register(freehold.fastify)

  // Called by the SDK inside customers' apps. Recording and unit exist together or not at all.
  app.post(
    '/recordings',
    {
      preHandler: freehold.guard('recordings:create'),
      schema: {
        body: Type.Object({
          applicationId: Type.String({ format: 'uuid' }),
          title: Type.String({ minLength: 1, maxLength: 200 }),
          durationSeconds: Type.Integer({ minimum: 0 }),
        }),
      },
    },
    async (request, reply) => {
      const { business, actor } = freehold.access(request)
      const recording = await db.transaction().execute(async (tx) => {
        const saved = await saveRecording(tx, business.id, request.body)
        if (!saved) throw new FreeholdError('not_found', 'There is no such application')
        await freehold.consume(fromKysely(tx), { businessId: business.id, feature: 'recordings', actor })
        return saved
      })
      return reply.code(201).send(recording)
    },
  )

  // For the dashboard (a signed-in person names the business in the header freehold-business) and for server keys.
  app.get('/recordings', { preHandler: freehold.guard('recordings:read') }, async (request) => ({
    items: await newestRecordings(db, freehold.access(request).business.id),
  }))

  app.post(
    '/applications',
    {
      preHandler: freehold.guard('applications:manage'),
      schema: { body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }) }) },
    },
    async (request, reply) => {
      const { business, actor } = freehold.access(request)
      const application = await db.transaction().execute(async (tx) => {
        const added = await addApplication(tx, business.id, request.body.name)
        const item = { businessId: business.id, feature: 'applications', itemId: added.id, actor } as const
        await freehold.allocate(fromKysely(tx), item)
        return added
      })
      return reply.code(201).send(application)
    },
  )

  app.delete(
    '/applications/:id',
    {
      preHandler: freehold.guard('applications:manage'),
      schema: { params: Type.Object({ id: Type.String({ format: 'uuid' }) }) },
    },
    async (request, reply) => {
      const { business, actor } = freehold.access(request)
      const { id } = request.params
      await db.transaction().execute(async (tx) => {
        if (!(await removeApplication(tx, business.id, id))) throw new FreeholdError('not_found')
        await freehold.release(fromKysely(tx), { businessId: business.id, feature: 'applications', itemId: id, actor })
      })
      return reply.code(204).send()
    },
  )

  return app
}
