import { getCurrentDBAdapterAsyncLocalStorage } from '@better-auth/core/context'
import { kyselyAdapter } from '@better-auth/kysely-adapter'
import { hash, verify } from '@node-rs/argon2'
import { betterAuth } from 'better-auth/minimal'
import { bearer, twoFactor } from 'better-auth/plugins'
import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { IdKind } from '../ids.ts'

/**
 * The seam to better-auth, which owns password hashing, sessions and second factors. Nothing else knows its name; an
 * upgrade that moves something is mended here.
 */

/** Absolute and idle life of a session; ASVS 5.0 V7.3. */
export const sessionLife = { absoluteDays: 30, idleDays: 14 }

/** argon2id with OWASP's parameters: m = 19 MiB, t = 2, p = 1. */
const argon2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const kinds: Record<string, IdKind> = {
  user: 'user',
  session: 'session',
  account: 'account',
  verification: 'verification',
  twoFactor: 'twoFactor',
}

function create(ctx: Context) {
  const snake = (names: string[]) =>
    Object.fromEntries(names.map((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]))
  return betterAuth({
    appName: ctx.product.name,
    baseURL: ctx.settings.publicUrl,
    secret: ctx.secrets.authSecret,
    database: kyselyAdapter(plain(ctx.db.across), { type: 'postgres' }),
    logger: { disabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    advanced: {
      disableOriginCheck: false,
      disableCSRFCheck: false,
      cookiePrefix: 'freehold',
      ipAddress: { ipAddressHeaders: ['x-freehold-address'] },
      database: { generateId: ({ model }) => ctx.newId(kinds[model] ?? 'verification') },
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: 8,
      maxPasswordLength: 128,
      password: {
        hash: hashPassword,
        verify: ({ hash: stored, password }) => verify(stored, password.normalize('NFKC')),
      },
    },
    user: {
      modelName: 'users',
      fields: snake(['emailVerified', 'createdAt', 'updatedAt']),
      additionalFields: {
        firstName: { type: 'string', fieldName: 'first_name', input: false },
        lastName: { type: 'string', fieldName: 'last_name', input: false },
      },
    },
    session: {
      modelName: 'sessions',
      fields: snake(['userId', 'expiresAt', 'ipAddress', 'userAgent', 'createdAt', 'updatedAt']),
      additionalFields: { lastUsedAt: { type: 'date', fieldName: 'last_used_at', input: false } },
      expiresIn: sessionLife.absoluteDays * 86_400,
      disableSessionRefresh: true,
    },
    account: {
      modelName: 'accounts',
      fields: snake([
        'userId',
        'accountId',
        'providerId',
        'accessToken',
        'refreshToken',
        'idToken',
        'accessTokenExpiresAt',
        'refreshTokenExpiresAt',
        'createdAt',
        'updatedAt',
      ]),
    },
    verification: { modelName: 'verifications', fields: snake(['expiresAt', 'createdAt', 'updatedAt']) },
    plugins: [
      bearer({ requireSignature: true }),
      twoFactor({
        issuer: ctx.product.name,
        schema: {
          user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
          twoFactor: {
            modelName: 'two_factors',
            fields: snake(['backupCodes', 'userId', 'failedVerificationCount', 'lockedUntil']),
          },
        },
      }),
    ],
    databaseHooks: {
      session: {
        create: {
          // It stamps sessions from its own clock; ours is the domain's. Disabled people get none.
          before: async (session) => {
            const now = ctx.now()
            const user = await ctx.db.across
              .selectFrom('users')
              .select('disabledAt')
              .where('id', '=', session.userId)
              .executeTakeFirst()
            if (user?.disabledAt) return false
            return {
              data: {
                ...session,
                createdAt: now,
                updatedAt: now,
                lastUsedAt: now,
                expiresAt: new Date(now.getTime() + sessionLife.absoluteDays * 86_400_000),
              },
            }
          },
        },
      },
    },
  })
}

const instances = new WeakMap<object, ReturnType<typeof create>>()

function auth(ctx: Context) {
  const known = instances.get(ctx.db)
  if (known) return known
  const made = create(ctx)
  instances.set(ctx.db, made)
  return made
}

/** Its statements name columns as they are; our plugins would translate them twice. */
const plain = (db: Queryable) => db.withoutPlugins().withSchema('freehold')

export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFKC'), argon2)
}

/** Runs its writes in our transaction: what it creates appears and disappears with everything else. */
async function inTransaction<T>(
  tx: Tx,
  ctx: Context,
  work: (adapter: Awaited<ReturnType<typeof create>['$context']>['internalAdapter']) => Promise<T>,
): Promise<T> {
  const instance = auth(ctx)
  const context = await instance.$context
  const storage = await getCurrentDBAdapterAsyncLocalStorage()
  const adapter = kyselyAdapter(plain(tx), { type: 'postgres' })(instance.options)
  const store = { adapter, pendingHooks: [], isTransactionActive: true }
  return storage.run(store, () => work(context.internalAdapter))
}

export type NewUser = {
  email: string
  firstName: string
  lastName: string
  passwordHash: string
  emailVerified: boolean
}

/** Creates a user with a password. A taken e-mail raises 23505 on users_email_key. */
export function createUser(tx: Tx, ctx: Context, user: NewUser): Promise<{ id: string }> {
  return inTransaction(tx, ctx, async (adapter) => {
    const now = ctx.now()
    const { email, firstName, lastName, emailVerified, passwordHash } = user
    const created = await adapter.createUser(
      {
        email,
        firstName,
        lastName,
        emailVerified,
        name: `${firstName} ${lastName}`.trim(),
        createdAt: now,
        updatedAt: now,
      },
      { method: 'sign-up' },
    )
    await adapter.linkAccount({
      userId: created.id,
      accountId: created.id,
      providerId: 'credential',
      password: passwordHash,
      createdAt: now,
      updatedAt: now,
    })
    return { id: created.id }
  })
}

/** Where somebody signs in from. */
export type Device = { address: string; userAgent: string }

/** Starts a session and answers its bearer token. */
export async function createSession(tx: Tx, ctx: Context, userId: string, device: Device): Promise<string> {
  const session = await inTransaction(tx, ctx, (adapter) =>
    adapter.createSession(userId, false, { ipAddress: device.address, userAgent: device.userAgent.slice(0, 400) }),
  )
  return ctx.secrets.signSession(session.token)
}

export async function setPassword(tx: Tx, ctx: Context, userId: string, passwordHash: string): Promise<void> {
  const changed = await tx
    .updateTable('accounts')
    .set({ password: passwordHash, updatedAt: ctx.now() })
    .where('userId', '=', userId)
    .where('providerId', '=', 'credential')
    .executeTakeFirst()
  if (changed.numUpdatedRows > 0n) return
  // Somebody who has signed in elsewhere only (or was added by staff) gets a password of their own.
  await inTransaction(tx, ctx, (adapter) =>
    adapter.linkAccount({
      userId,
      accountId: userId,
      providerId: 'credential',
      password: passwordHash,
      createdAt: ctx.now(),
      updatedAt: ctx.now(),
    }),
  )
}

export async function passwordMatches(tx: Queryable, userId: string, password: string): Promise<boolean> {
  const account = await tx
    .selectFrom('accounts')
    .select('password')
    .where('userId', '=', userId)
    .where('providerId', '=', 'credential')
    .executeTakeFirst()
  return account?.password ? verify(account.password, password.normalize('NFKC')) : false
}

export type SignIn = { token: string } | { challenge: string } | undefined

/**
 * Checks e-mail and password: a session, a challenge for the second factor, or nothing. It hashes once for an unknown
 * e-mail too, so that both refusals take the same time.
 */
export async function signIn(ctx: Context, email: string, password: string, device: Device): Promise<SignIn> {
  return outcome(ctx, () =>
    auth(ctx).api.signInEmail({ body: { email, password }, headers: deviceHeaders(device), asResponse: true }),
  )
}

/** Answers the challenge with a code of the authenticator or one of the backup codes. */
export async function signInWithCode(ctx: Context, challenge: string, code: string, device: Device): Promise<SignIn> {
  const headers = deviceHeaders(device)
  headers.set('cookie', `${await twoFactorCookie(ctx)}=${challenge}`)
  const api = auth(ctx).api
  return outcome(ctx, () =>
    /^\d{6}$/.test(code)
      ? api.verifyTOTP({ body: { code }, headers, asResponse: true })
      : api.verifyBackupCode({ body: { code }, headers, asResponse: true }),
  )
}

async function outcome(ctx: Context, call: () => Promise<Response>): Promise<SignIn> {
  const response = await call()
  if (!response.ok) return undefined
  const cookies = response.headers.getSetCookie().map((each) => each.split(';')[0] ?? '')
  const challengeCookie = await twoFactorCookie(ctx)
  const body = (await response.json()) as { token?: string; twoFactorRedirect?: boolean }
  if (body.twoFactorRedirect) {
    const challenge = cookies.find((each) => each.startsWith(`${challengeCookie}=`))?.slice(challengeCookie.length + 1)
    return challenge ? { challenge } : undefined
  }
  return body.token ? { token: ctx.secrets.signSession(body.token) } : undefined
}

const twoFactorCookie = async (ctx: Context) => (await auth(ctx).$context).createAuthCookie('two_factor').name

const deviceHeaders = (device: Device) =>
  new Headers({
    'x-freehold-address': device.address,
    'user-agent': device.userAgent.slice(0, 400).replace(/[^\x20-\x7e]/g, '?'),
  })

/** Ends sessions of a user, all or all but one. */
export async function endSessions(tx: Tx, userId: string, exceptSessionId?: string): Promise<void> {
  await tx
    .deleteFrom('sessions')
    .where('userId', '=', userId)
    .where(exceptSessionId === undefined ? sql<boolean>`true` : sql<boolean>`id <> ${exceptSessionId}`)
    .execute()
}
