import { createApiKey } from '../api-keys/api-keys.ts'
import { audit } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { emit } from '../events/emit.ts'
import { addMember } from '../members/members.ts'
import { currentPlanVersion, priceNamed } from '../plans/plans.ts'
import { firstSubscription } from '../subscriptions/first-subscription.ts'
import { createBusiness, type NewBusiness } from './businesses.ts'

/**
 * A business with its owner, subscription and the keys the product declares, together or not at all: at sign-up, and
 * when a user founds another. `at` is where the details stand in the body.
 */
export async function foundBusiness(tx: Tx, ctx: Context, owner: Actor, details: NewBusiness, at = 'body') {
  const { signup } = ctx.product
  const business = await createBusiness(tx, ctx, details, at)
  const member = await addMember(tx, ctx, business.id, owner.id, 'owner')
  const plan = await currentPlanVersion(tx, signup.plan)
  const { name: price } = priceNamed(plan)
  await emit(tx, ctx, {
    businessId: business.id,
    type: 'business.created',
    data: { name: business.name, externalId: business.externalId, ownerId: owner.id, plan: plan.planKey },
  })
  const subscription = await firstSubscription(tx, ctx, owner, business.id, { plan, price })
  await audit(tx, ctx, owner, business.id, {
    action: 'business.created',
    target: { kind: 'business', id: business.id, name: business.name },
    after: { name: business.name, owner: member.email, plan: plan.planKey },
  })
  const holds = ctx.permissions.roles['owner'] ?? new Set()
  const apiKeys: { id: string; type: string; key: string }[] = []
  for (const type of signup.keys) {
    const { apiKey, key } = await createApiKey(tx, ctx, owner, holds, business.id, { name: type, type })
    apiKeys.push({ id: apiKey.id, type, key })
  }
  return { business, member, subscription, apiKeys }
}
