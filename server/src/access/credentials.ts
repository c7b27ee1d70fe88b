import { createMemory } from '../changes.ts'
import { perContext, type Context } from '../context.ts'
import type { Credential } from '../http/request.ts'
import { businessOfToken, hashToken } from '../secrets.ts'
import { lookUpTogether } from '../usage/batches.ts'
import { sessionLife } from '../users/better-auth.ts'
import { noteUse } from './last-used.ts'

/**
 * Finds out whose credential this is, at once when it is remembered. Undefined when it is unknown, expired, revoked or its
 * bearer disabled.
 */
export function authenticate(ctx: Context, bearer: string): Credential | undefined | Promise<Credential | undefined> {
  if (bearer.length > 300) return undefined
  const sessionToken = ctx.secrets.verifySession(bearer)
  if (sessionToken !== undefined) return session(ctx, sessionToken)
  if (bearer.startsWith('app_')) return appKey(ctx, bearer)
  const businessId = businessOfToken(bearer)
  if (businessId === undefined) return undefined
  return bearer.startsWith('sup_') ? supportSession(ctx, businessId, bearer) : rememberedApiKey(ctx, businessId, bearer)
}

type RememberedKey = Credential & { lastUsedAt: Date | null }

const memory = perContext((ctx) => createMemory<RememberedKey>(ctx.changes, 120_000, ({ actor }) => actor.id))

function rememberedApiKey(ctx: Context, businessId: string, bearer: string) {
  const now = ctx.now()
  const use = (known: RememberedKey | undefined) => {
    if (!known || (known.expiresAt !== null && known.expiresAt <= now)) return undefined
    if (isStale(known.lastUsedAt, now)) {
      known.lastUsedAt = now
      noteUse(ctx)({ businessId, keyId: known.actor.id, at: now })
    }
    return known
  }
  const known = memory(ctx)(bearer, () => apiKey(ctx, businessId, bearer))
  return known instanceof Promise ? known.then(use) : use(known)
}

type SessionRow = {
  token: string
  id: string
  last_used_at: Date
  user_id: string
  email: string
  name: string
  email_verified: boolean
  staff: boolean
}

const sessionStatement = `
select s.token, s.id, s.last_used_at, u.id as user_id, u.email, u.name, u.email_verified, st.user_id is not null as staff
from freehold.sessions s
join freehold.users u on u.id = s.user_id
left join freehold.staff st on st.user_id = u.id
where s.token = any($1::text[]) and s.expires_at > $2 and s.last_used_at > $3 and u.disabled_at is null`

/** From the rows each time: a session that ended is ended. */
const findSession = perContext((ctx) =>
  lookUpTogether<string, SessionRow | undefined>(async (tokens) => {
    const now = ctx.now()
    const idleSince = new Date(now.getTime() - sessionLife.idleDays * 86_400_000)
    const { rows } = await ctx.db.acrossPool.query<SessionRow>({
      name: 'sessions',
      text: sessionStatement,
      values: [[...new Set(tokens)], now, idleSince],
    })
    const found = new Map(rows.map((row) => [row.token, row]))
    return tokens.map((token) => found.get(token))
  }),
)

async function session(ctx: Context, token: string): Promise<Credential | undefined> {
  const row = await findSession(ctx)(token)
  if (!row) return undefined
  const now = ctx.now()
  if (isStale(row.last_used_at, now)) {
    await ctx.db.across.updateTable('sessions').set({ lastUsedAt: now }).where('id', '=', row.id).execute()
  }
  return {
    actor: {
      kind: 'user',
      id: row.user_id,
      name: row.name,
      email: row.email,
      sessionId: row.id,
      emailVerified: row.email_verified,
      staff: row.staff,
    },
    permissions: undefined,
    perMinute: undefined,
    expiresAt: null,
  }
}

async function apiKey(ctx: Context, businessId: string, bearer: string): Promise<RememberedKey | undefined> {
  const { rows } = await ctx.db.acrossPool.query<{
    id: string
    name: string
    type: string
    expires_at: Date | null
    last_used_at: Date | null
  }>({
    name: 'api_key',
    text: `
      select id, name, type, expires_at, last_used_at
      from freehold.api_keys
      where business_id = $1 and hash = $2 and revoked_at is null and (expires_at is null or expires_at > $3)`,
    values: [businessId, hashToken(bearer), ctx.now()],
  })
  const [row] = rows
  const type = row && ctx.product.keys[row.type]
  if (!row || !type) return undefined
  return {
    actor: { kind: 'key', id: row.id, name: row.name, type: row.type, businessId },
    permissions: ctx.permissions.keys[row.type],
    perMinute: type.perMinute,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }
}

async function appKey(ctx: Context, bearer: string): Promise<Credential | undefined> {
  const row = await ctx.db.across
    .selectFrom('appKeys')
    .select(['id', 'name', 'scope', 'lastUsedAt'])
    .where('hash', '=', hashToken(bearer))
    .where('revokedAt', 'is', null)
    .executeTakeFirst()
  if (!row) return undefined
  const now = ctx.now()
  if (isStale(row.lastUsedAt, now)) {
    await ctx.db.across.updateTable('appKeys').set({ lastUsedAt: now }).where('id', '=', row.id).execute()
  }
  const scope = row.scope as 'meter' | 'admin'
  return {
    actor: { kind: 'app', id: row.id, name: row.name, scope },
    permissions: undefined,
    perMinute: undefined,
    expiresAt: null,
  }
}

async function supportSession(ctx: Context, businessId: string, bearer: string): Promise<Credential | undefined> {
  const now = ctx.now()
  const row = await ctx.db.across
    .selectFrom('supportSessions')
    .innerJoin('businesses', 'businesses.id', 'supportSessions.businessId')
    .leftJoin('staff', 'staff.userId', 'supportSessions.staffId')
    .leftJoin('users', 'users.id', 'staff.userId')
    .leftJoin('appKeys', 'appKeys.id', 'supportSessions.staffId')
    .select(['supportSessions.id', 'access', 'staffId', 'staffName', 'staffEmail', 'businesses.name as businessName'])
    .where('supportSessions.businessId', '=', businessId)
    .where('tokenHash', '=', hashToken(bearer))
    .where('startedAt', 'is not', null)
    .where('endedAt', 'is', null)
    .where('supportSessions.expiresAt', '>', now)
    .where('businesses.supportAccess', '<>', 'never')
    // It ends with what made it: with the right to be staff, or with the back office's app key.
    .where((where) =>
      where.or([
        where.and([where('users.id', 'is not', null), where('users.disabledAt', 'is', null)]),
        where.and([where('appKeys.id', 'is not', null), where('appKeys.revokedAt', 'is', null)]),
      ]),
    )
    .executeTakeFirst()
  if (!row) return undefined
  return {
    actor: {
      kind: 'staff',
      id: row.staffId,
      name: row.staffName,
      email: row.staffEmail ?? '',
      supportSession: {
        id: row.id,
        businessId,
        businessName: row.businessName,
        access: row.access as 'read' | 'write',
      },
    },
    permissions: undefined,
    perMinute: undefined,
    expiresAt: null,
  }
}

// "Last used" is for people: once a minute is enough, and keeps reads from writing.
const isStale = (lastUsedAt: Date | null, now: Date) =>
  lastUsedAt === null || now.getTime() - lastUsedAt.getTime() > 60_000
