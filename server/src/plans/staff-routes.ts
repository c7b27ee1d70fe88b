import { Type } from 'typebox'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, mostMoney, Name, Page, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { catalogue, cataloguePlan } from './catalogue.ts'
import { changePlan, previewVersion, publishVersion } from './changes.ts'
import { existingChoices } from './moves.ts'
import {
  Included,
  PlanPreviewBody,
  PlanVersionBody,
  presentPlanVersion,
  presentPreview,
  presentStaffPlan,
  presentStaffPlanPage,
  StaffPlanBody,
  StaffPlanPage,
} from './presenter.ts'

const PlainName = Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9_-]{0,62}$' })

const NewVersionBody = Type.Object(
  {
    prices: Type.Record(
      PlainName,
      Type.Object(
        {
          amount: Type.Integer({ minimum: 0, maximum: mostMoney, description: 'Minor units' }),
          currency: Type.String({ pattern: '^[A-Z]{3}$' }),
          interval: Type.Object(
            {
              unit: Type.Enum(['day', 'week', 'month', 'year']),
              count: Type.Integer({ minimum: 1, maximum: 1000 }),
            },
            closed,
          ),
        },
        closed,
      ),
      {
        ...closed,
        minProperties: 1,
        maxProperties: 20,
        description: 'The first is the one a subscription gets by itself',
      },
    ),
    trialDays: Type.Integer({ minimum: 0, maximum: 3650, default: 0 }),
    includes: Type.Record(PlainName, Included, {
      ...closed,
      maxProperties: 500,
    }),
    onTrialEnd: Type.Enum(['end', 'pause'], {
      default: 'end',
      description: 'What becomes of a trial that nobody has paid for',
    }),
    onEnd: Type.Enum(['renew', 'end', 'fallback'], { default: 'renew' }),
    fallbackPlan: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 63, default: null }),
    existing: Type.Enum([...existingChoices], {
      default: 'keep',
      description: 'What becomes of the subscriptions there are: they keep their version, or move to this one',
    }),
    reason: Type.Optional(Reason),
    preview: Type.Boolean({ default: false, description: 'Only says what it would mean' }),
  },
  closed,
)

/** The catalogue for staff: what is sold, to how many, and new versions of it. */
export const staffPlanRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']

  app.get(
    '/v1/staff/plans',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Every plan, hidden and archived ones too',
        tags,
        response: { 200: Page(StaffPlanBody) },
      },
    },
    async () => ({ items: (await catalogue(ctx.db.across)).map(presentStaffPlan), nextCursor: null }),
  )

  app.get(
    '/v1/staff/plans/:key',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'A plan with its versions and how many businesses are on each',
        tags,
        params: path('key'),
        response: { 200: StaffPlanPage },
      },
    },
    async (request) => presentStaffPlanPage(await cataloguePlan(ctx.db.across, request.params.key)),
  )

  app.post(
    '/v1/staff/plans/:key/versions',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Publish a version, or see what it would mean',
        tags,
        params: path('key'),
        body: NewVersionBody,
        response: { 200: PlanPreviewBody, 201: PlanVersionBody },
      },
    },
    async (request, reply) => {
      const { key } = request.params
      const { existing, reason, preview, ...version } = request.body
      if (preview) return presentPreview(await previewVersion(ctx.db.across, ctx, key, version))
      const published = await acrossBusinesses(request, async (tx) =>
        presentPlanVersion(await publishVersion(tx, ctx, actorOf(request), key, version, { existing, reason })),
      )
      return reply.code(201).send(published)
    },
  )

  app.patch(
    '/v1/staff/plans/:key',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Rename, hide or archive a plan',
        tags,
        params: path('key'),
        body: Type.Object(
          {
            name: Type.Optional(Name),
            hidden: Type.Optional(Type.Boolean()),
            archived: Type.Optional(Type.Boolean()),
            reason: Reason,
          },
          // The reason alone changes nothing.
          { ...closed, minProperties: 2 },
        ),
        response: { 200: StaffPlanPage },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { reason, ...change } = request.body
        return presentStaffPlanPage(await changePlan(tx, ctx, actorOf(request), request.params.key, change, reason))
      }),
  )
}
