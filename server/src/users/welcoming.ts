import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { sendMail } from '../mail/mail.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { welcomeMail } from './mail.ts'

/**
 * Welcomes somebody whose e-mail has just been proved for the first time, to the business they founded or joined. Not
 * before: a mail that names people and businesses is not sent to an address that somebody else may have typed.
 */
export async function welcome(tx: Tx, ctx: Context, userId: string): Promise<void> {
  const { email, firstName } = await tx
    .selectFrom('users')
    .select(['email', 'firstName'])
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const member = await tx
    .selectFrom('members')
    .innerJoin('businesses', 'businesses.id', 'members.businessId')
    .select(['businesses.id', 'businesses.name', 'members.role'])
    .where('members.userId', '=', userId)
    .orderBy('members.id')
    .limit(1)
    .executeTakeFirst()
  await sendMail(tx, ctx, email, welcomeMail(ctx, { firstName, ...(await placeOf(tx, ctx, member)) }))
}

async function placeOf(tx: Tx, ctx: Context, member: { id: string; name: string; role: string } | undefined) {
  if (!member) return { business: null }
  const { role, ...business } = member
  if (role !== 'owner') return { business, role }
  const subscription = await currentSubscription(tx, ctx, business.id)
  if (!subscription) return { business }
  const { plan, status, trialEnd, zone } = subscription
  return { business, plan: { name: plan.planName, trialEnd: status === 'trialing' ? trialEnd : null, zone } }
}
