import { sql } from 'kysely'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'

/** Something in the log: what it is, and enough to recognise it later. */
export type AuditTarget = { kind: string; id: string; name?: string }

export type AuditChange = {
  /** `noun.verb`, past tense: `invitation.created`. */
  action: string
  target?: AuditTarget
  before?: Record<string, unknown>
  after?: Record<string, unknown>
}

/**
 * Records a change to or in a business, in the transaction that makes it. Staff in a support session are recorded as
 * themselves, on behalf of the business. Never a secret: callers pass what may be read for ever.
 */
export async function audit(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  change: AuditChange,
): Promise<void> {
  await tx
    .insertInto('auditEntries')
    .values({
      ...entry(ctx, actor, change),
      businessId,
      onBehalfOf: onBehalfOf(actor),
    })
    .execute()
}

/** The same for many businesses at once, in one statement. */
export async function auditEach(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  changes: (AuditChange & { businessId: string })[],
): Promise<void> {
  if (changes.length === 0) return
  const by = author(actor)
  const entries = changes.map(({ businessId, ...change }) => ({
    business_id: businessId,
    id: ctx.newId('auditEntry'),
    ...change,
  }))
  await sql`
    insert into freehold.audit_entries
      (business_id, id, at, actor_kind, actor_id, actor_name, actor_email, action, target, before, after, on_behalf_of)
    select business_id, id, ${ctx.now()}::timestamptz, ${by.actorKind}::text, ${by.actorId}::text,
      ${by.actorName}::text, ${by.actorEmail}::text, action, target, before, after, ${onBehalfOf(actor)}::jsonb
    from json_to_recordset(${JSON.stringify(entries)}::json) as each
      (business_id text, id text, action text, target jsonb, before jsonb, after jsonb)`.execute(tx)
}

/** Records what concerns no single business: sign-ins, resets, staff, plans. */
export async function auditSystem(tx: Tx, ctx: Context, actor: Actor | null, change: AuditChange): Promise<void> {
  await tx
    .insertInto('systemAuditEntries')
    .values(entry(ctx, actor, change))
    .execute()
}

function entry(ctx: Context, actor: Actor | null, { action, target, before, after }: AuditChange) {
  return {
    id: ctx.newId('auditEntry'),
    at: ctx.now(),
    ...author(actor),
    action,
    target: target ? JSON.stringify(target) : null,
    before: before ? JSON.stringify(before) : null,
    after: after ? JSON.stringify(after) : null,
  }
}

const author = (actor: Actor | null) => ({
  // Staff act in the console as signed-in users; the log says what they acted as.
  actorKind: actor === null ? 'anonymous' : actor.kind === 'user' && actor.staff ? 'staff' : actor.kind,
  actorId: actor?.id ?? null,
  actorName: actor?.name ?? null,
  actorEmail: actor !== null && 'email' in actor ? actor.email : null,
})

const onBehalfOf = (actor: Actor): string | null =>
  actor.kind === 'staff'
    ? JSON.stringify({
        kind: 'business',
        id: actor.supportSession.businessId,
        name: actor.supportSession.businessName,
      })
    : null
