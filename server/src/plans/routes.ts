import type { Routes } from '../http/request.ts'
import { Page } from '../http/schemas.ts'
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
        response: { 200: Page(PlanBody) },
      },
    },
    // All of them: what is on sale fits one page.
    async () => ({ items: (await publicCatalogue(ctx.db.across)).map(presentPlan), nextCursor: null }),
  )
}
