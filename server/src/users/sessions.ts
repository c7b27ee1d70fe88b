import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { endSessions, sessionLife } from './better-auth.ts'

type User = Extract<Actor, { kind: 'user' }>

/** Where a user is signed in, newest first. Those that ended by their age are not shown. */
export function listSessions(tx: Tx, ctx: Context, userId: string, limit: number, cursor?: string) {
  const now = ctx.now()
  const query = tx
    .selectFrom('sessions')
    .select(['id', 'ipAddress', 'userAgent', 'createdAt', 'lastUsedAt', 'expiresAt'])
    .where('userId', '=', userId)
    .where('expiresAt', '>', now)
    .where('lastUsedAt', '>', new Date(now.getTime() - sessionLife.idleDays * 86_400_000))
    .orderBy('id', 'desc')
    .limit(limit + 1)
  return (cursor === undefined ? query : query.where('id', '<', cursor)).execute()
}

/** Signs one device out; false when there is no such session of this user. */
export async function endSession(tx: Tx, ctx: Context, user: User, sessionId: string): Promise<boolean> {
  const ended = await tx
    .deleteFrom('sessions')
    .where('userId', '=', user.id)
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (ended.numDeletedRows === 0n) return false
  await auditSystem(tx, ctx, user, {
    action: sessionId === user.sessionId ? 'user.signed_out' : 'session.ended',
    target: { kind: 'session', id: sessionId },
  })
  return true
}

export async function endOtherSessions(tx: Tx, ctx: Context, user: User): Promise<void> {
  await endSessions(tx, user.id, user.sessionId)
  await auditSystem(tx, ctx, user, { action: 'session.others_ended', target: { kind: 'user', id: user.id } })
}
