import { Type } from 'typebox'
import { businessById } from '../businesses/businesses.ts'
import { Instant, instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import { closed, Page, PageQuery, path } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { presentTimelineEntry, TimelineEntry } from './presenter.ts'
import { cursorOf, timeline, timelineKinds } from './timeline.ts'

/** Staff look at what has happened to a business. */
export const staffTimelineRoutes: Routes = (app) => {
  app.get(
    '/v1/staff/businesses/:id/timeline',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Everything that has happened to a business, newest first',
        tags: ['Staff'],
        params: path('id'),
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
            from: Type.Optional(Instant),
            kind: Type.Optional(Type.Enum([...timelineKinds])),
          },
          closed,
        ),
        response: { 200: Page(TimelineEntry) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { limit, cursor, kind } = request.query
        const { id } = await businessById(tx, request.params.id)
        const from = instant('querystring/from', request.query.from)
        const rows = await timeline(tx, id, { limit, cursor, kind, from })
        const last = rows.length > limit ? rows[limit - 1] : undefined
        return { items: rows.slice(0, limit).map(presentTimelineEntry), nextCursor: last ? cursorOf(last) : null }
      }),
  )
}
