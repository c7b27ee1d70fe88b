import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { perContext, type Actor, type Context } from '../context.ts'
import { authorized } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import type { Access, OpenedBusiness } from '../http/request.ts'
import { supportPermissions } from '../permissions.ts'
import { lookUpTogether } from '../usage/batches.ts'
import { noCredential } from './authentication.ts'

/** Lets a request in by what its route declares, before its body is read. */
export const access: onRequestHookHandler = (request, _reply, done) => {
  const wanted = request.routeOptions.config.access
  if (wanted === undefined || wanted === 'public') return done()
  const { actor } = request.freehold
  if (!actor) return done(new FreeholdError('unauthenticated', noCredential))
  if (wanted === 'credential') return done()
  void letIn(request, wanted, actor).then(() => done(), done)
}

async function letIn(
  request: FastifyRequest,
  wanted: Exclude<Access, 'public' | 'credential'>,
  actor: Actor,
): Promise<void> {
  const { ctx } = request.freehold
  if (wanted === 'user') {
    if (actor.kind !== 'user') throw new FreeholdError('permission_denied', 'This is for a signed-in person')
    return
  }
  if (wanted === 'staff:read' || wanted === 'staff:write') {
    const isStaff = (actor.kind === 'user' && actor.staff) || (actor.kind === 'app' && actor.scope === 'admin')
    if (isStaff) return
    const needed = 'This is for staff and for app keys of scope admin'
    throw new FreeholdError(
      'permission_denied',
      actor.kind === 'app' ? `${needed}; this one has scope ${actor.scope}` : needed,
    )
  }

  const { businessId, memberId } = request.params as { businessId?: string; memberId?: string }
  if (businessId === undefined) throw new Error(`${request.routeOptions.url} asks for ${wanted} but names no business`)
  const business = await openBusiness(ctx, actor, businessId)
  const { orOneself = false, anyBusinessStatus = false } = request.routeOptions.config
  const isOneself = business.memberId !== undefined && business.memberId === memberId
  if (!business.permissions.has(wanted) && !(orOneself && isOneself)) {
    throw new FreeholdError('permission_denied', `This needs the permission ${wanted}`)
  }
  const writes = ctx.permissions.kinds[wanted] === 'write'
  if (writes && business.status !== 'active' && !anyBusinessStatus) {
    throw new FreeholdError('business_not_open', `The business is ${business.status}`)
  }
  request.freehold.business = business
}

/** A business, and somebody's place in it, where they have one. */
type Place = {
  position: number
  name: string
  status: string
  member_id: string | null
  role: string | null
  suspended_at: Date | null
}

// Each by its key, whatever the planner thinks how few there are: `offset 0` keeps it from turning the join around.
const placeStatement = `
select w.position, b.name, b.status, b.member_id, b.role, b.suspended_at
from unnest($1::text[], $2::text[], $3::int[]) as w (business_id, user_id, position)
cross join lateral (
  select b.name, b.status, m.id as member_id, m.role, m.suspended_at
  from freehold.businesses b
  left join freehold.members m on m.business_id = b.id and m.user_id = w.user_id
  where b.id = w.business_id
  offset 0
) b`

const findPlace = perContext((ctx) =>
  lookUpTogether<{ businessId: string; userId: string }, Place | undefined>(async (wanted) => {
    const { rows } = await ctx.db.acrossPool.query<Place>({
      name: 'places',
      text: placeStatement,
      values: [
        wanted.map(({ businessId }) => businessId),
        wanted.map(({ userId }) => userId),
        wanted.map((_, position) => position),
      ],
    })
    const found = new Map(rows.map((row) => [row.position, row]))
    return wanted.map((_, position) => found.get(position))
  }),
)

/**
 * Proves that the actor belongs to the business. Whoever does not, gets the answer of an id that does not exist. API
 * keys and app keys manage nothing: refused where they would belong, unknown elsewhere.
 */
export async function openBusiness(ctx: Context, actor: Actor, businessId: string): Promise<OpenedBusiness> {
  const row = await findPlace(ctx)({ businessId, userId: actor.id })
  if (!row) throw new FreeholdError('not_found')
  const opened = {
    id: authorized(businessId),
    name: row.name,
    status: row.status as OpenedBusiness['status'],
    role: row.role ?? undefined,
    memberId: undefined,
  }

  switch (actor.kind) {
    case 'user': {
      if (row.role === null || row.member_id === null) throw new FreeholdError('not_found')
      if (row.suspended_at !== null) throw new FreeholdError('permission_denied', 'Your membership is suspended')
      return { ...opened, memberId: row.member_id, permissions: ctx.permissions.roles[row.role] ?? new Set() }
    }
    case 'staff':
      if (actor.supportSession.businessId !== businessId) throw new FreeholdError('not_found')
      return { ...opened, permissions: supportPermissions(ctx.permissions, actor.supportSession.access) }
    case 'key':
      if (actor.businessId !== businessId) throw new FreeholdError('not_found')
      throw new FreeholdError('permission_denied', 'An API key manages nothing')
    case 'app':
    case 'system':
      throw new FreeholdError('permission_denied', 'An app key acts through the gate and the staff routes')
  }
}
