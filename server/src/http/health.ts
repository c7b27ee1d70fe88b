import { sql } from 'kysely'
import { Type } from 'typebox'
import { FreeholdError } from '../errors.ts'
import type { Routes } from './request.ts'

const Status = Type.Object({ status: Type.String({ enum: ['ok'] }) })

export const healthRoutes: Routes = (app, ctx) => {
  app.get(
    '/healthz',
    {
      config: { access: 'public' },
      schema: { summary: 'The process is alive', tags: ['Health'], response: { 200: Status } },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: { summary: 'The process can serve: its database answers', tags: ['Health'], response: { 200: Status } },
    },
    async () => {
      try {
        await sql`select 1`.execute(ctx.db.across)
      } catch (cause) {
        throw new FreeholdError('unavailable', 'The database does not answer', { retryAfterSeconds: 1, cause })
      }
      return { status: 'ok' }
    },
  )
}
