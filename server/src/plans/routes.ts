import { Type } from 'typebox'
import type { Routes } from '../http/request.ts'
import { publicCatalogue } from './catalogue.ts'
import { PlanBody, presentPlan } from './presenter.ts'

export const planRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/plans',
    {
      config: { access: 'public' },
      schema: {
        summary: 'The plans anybody may choose, in the order they are defined',
        tags: ['Plans'],
        response: { 200: Type.Object({ items: Type.Array(PlanBody) }) },
      },
    },
    async () => ({ items: (await publicCatalogue(ctx.db.across)).map(presentPlan) }),
  )
}
