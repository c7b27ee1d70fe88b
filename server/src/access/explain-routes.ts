import type { Actor, Context } from '../context.ts'
import { FreeholdError } from '../errors.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { path } from '../http/schemas.ts'
import { openBusiness } from './access.ts'
import { denials, findDenial } from './denials.ts'
import { audienceOf, DenialBody, presentDenial, type Audience } from './presenter.ts'

export const explainRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/explain/:requestId',
    {
      config: { access: 'credential' },
      schema: {
        summary: 'Why the gate denied a request of the last 24 hours',
        description:
          'For app keys and staff, and for whoever holds usage:read in the business. Of many denials at once only the ' +
          'first of a minute are kept; any request explains itself when it is sent with `explain: true`',
        tags: ['Gate'],
        params: path('requestId'),
        response: { 200: DenialBody },
      },
    },
    async (request) => {
      // What this process denied a moment ago is not written yet.
      await denials(ctx).written()
      const actor = actorOf(request)
      const reader = isAboveBusinesses(actor) ? undefined : actor
      const denial = await findDenial(ctx.db.across, ctx, request.params.requestId, reader)
      if (!denial) throw new FreeholdError('not_found')
      return presentDenial(denial, await letIn(ctx, actor, denial.businessId))
    },
  )
}

/** Who has no business with it gets the answer of an id that does not exist. */
async function letIn(ctx: Context, actor: Actor, businessId: string): Promise<Audience> {
  if (isAboveBusinesses(actor)) return 'staff'
  const { permissions } = await openBusiness(ctx, actor, businessId)
  if (!permissions.has('usage:read'))
    throw new FreeholdError('permission_denied', 'This needs the permission usage:read')
  return audienceOf(ctx, actor)
}

const isAboveBusinesses = (actor: Actor) => actor.kind === 'app' || (actor.kind === 'user' && actor.staff)
