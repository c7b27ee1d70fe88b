import { sql } from 'kysely'
import { realTime } from '../clock.ts'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import type { IdKind } from '../ids.ts'
import { newToken } from '../secrets.ts'
import type { SocialProvider } from '../social-providers.ts'
import { hashPassword, isPassword } from './passwords.ts'

/**
 * The seam to better-auth, which owns users, sessions and second factors. Nothing else knows its name but
 * `better-auth-social.ts`; an upgrade that moves something is mended here.
 */

let loading: Promise<Library> | undefined
/** Its hundreds of modules, when somebody signs in for the first time; a server may ask for them once it serves. */
export const authLibrary = (): Promise<Library> => (loading ??= load())

async function load(): Promise<Library> {
  const [context, adapter, minimal, plugins] = await Promise.all([
    import('@better-auth/core/context'),
    import('@better-auth/kysely-adapter'),
    import('better-auth/minimal'),
    import('better-auth/plugins'),
  ])
  return { ...context, ...adapter, ...minimal, ...plugins }
}

/** Its modules by their names, which the declarations of ours can say. */
type Library = typeof import('@better-auth/core/context') &
  typeof import('@better-auth/kysely-adapter') &
  typeof import('better-auth/minimal') &
  typeof import('better-auth/plugins')

/** Absolute and idle life of a session; ASVS 5.0 V7.3. */
export const sessionLife = { absoluteDays: 90, idleDays: 45 }

const kinds: Record<string, IdKind> = {
  user: 'user',
  session: 'session',
  account: 'account',
  verification: 'verification',
  twoFactor: 'twoFactor',
}

/** What each of its instances is told. */
export const authOptions = (ctx: Context, library: Library, db: Queryable) => ({
  appName: ctx.product.name,
  baseURL: ctx.settings.publicUrl,
  secret: ctx.secrets.authSecret,
  database: library.kyselyAdapter(plain(db), { type: 'postgres' }),
  logger: { disabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  advanced: {
    disableOriginCheck: false,
    disableCSRFCheck: false,
    cookiePrefix: 'freehold',
    ipAddress: { ipAddressHeaders: ['x-freehold-address'] },
    database: {
      generateId: ({ model }: { model: string }) => ctx.newId(kinds[model] ?? 'verification'),
      // Our migrations own the schema; looking it up takes a connection that a transaction does not have.
      validateSchema: false,
    },
  },
  verification: { modelName: 'verifications', fields: snake(['expiresAt', 'createdAt', 'updatedAt']) },
})

const snake = (names: string[]) =>
  Object.fromEntries(names.map((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]))

/** Passwords that its endpoints ask for are checked by us before, outside any transaction. */
type Settings = { db: Queryable; passwordsAreChecked?: boolean }

async function create(ctx: Context, { db, passwordsAreChecked = false }: Settings) {
  const library = await authLibrary()
  return library.betterAuth({
    ...authOptions(ctx, library, db),
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      password: {
        hash: hashPassword,
        verify: async ({ hash, password }) => passwordsAreChecked || isPassword(hash, password),
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
    plugins: [
      library.bearer({ requireSignature: true }),
      library.twoFactor({
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
          // It stamps sessions from its own clock; ours is the domain's.
          before: async (session) => {
            const now = ctx.now()
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

type Instance = Awaited<ReturnType<typeof create>>

const instances = new WeakMap<object, Promise<Instance>>()

function auth(ctx: Context): Promise<Instance> {
  const known = instances.get(ctx.db)
  if (known) return known
  const made = create(ctx, { db: ctx.db.across })
  instances.set(ctx.db, made)
  return made
}

/** Its statements name columns as they are; our plugins would translate them twice. */
const plain = (db: Queryable) => db.withoutPlugins().withSchema('freehold')

/** Runs its writes in our transaction: what it creates appears and disappears with everything else. */
async function inTransaction<T>(
  tx: Tx,
  ctx: Context,
  work: (adapter: Awaited<Instance['$context']>['internalAdapter']) => Promise<T>,
): Promise<T> {
  const { getCurrentDBAdapterAsyncLocalStorage, kyselyAdapter } = await authLibrary()
  const instance = await auth(ctx)
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
  emailVerified: boolean
  login: Login
}

/** How somebody proves who they are: with a password, or as whom a provider knows. */
export type Login = { passwordHash: string } | Linked

/** An account with a provider. `subject` is the provider's own name for whose it is, and the same for good. */
export type Linked = { provider: SocialProvider; subject: string }

/** Violated when an account is linked already. */
export const linkedOnce = 'accounts_provider_id_account_id_key'

/** Creates a user who can sign in. A taken e-mail raises 23505 on users_email_key. */
export function createUser(tx: Tx, ctx: Context, user: NewUser): Promise<{ id: string }> {
  return inTransaction(tx, ctx, async (adapter) => {
    const now = ctx.now()
    const { email, firstName, lastName, emailVerified, login } = user
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
    await adapter.linkAccount(accountOf(ctx, created.id, login))
    return { id: created.id }
  })
}

/** Lets a user sign in another way as well. What is linked already raises 23505 on `linkedOnce`. */
export const addLogin = (tx: Tx, ctx: Context, userId: string, login: Login): Promise<unknown> =>
  inTransaction(tx, ctx, (adapter) => adapter.linkAccount(accountOf(ctx, userId, login)))

const accountOf = (ctx: Context, userId: string, login: Login) => ({
  userId,
  ...('passwordHash' in login
    ? { providerId: 'credential', accountId: userId, password: login.passwordHash }
    : { providerId: login.provider, accountId: login.subject }),
  createdAt: ctx.now(),
  updatedAt: ctx.now(),
})

/** Where somebody signs in from. */
export type Device = { address: string; userAgent: string }

/** `token` is the bearer, which only its owner gets. */
export type NewSession = { id: string; token: string }

export async function createSession(tx: Tx, ctx: Context, userId: string, device: Device): Promise<NewSession> {
  const { id, token } = await inTransaction(tx, ctx, (adapter) =>
    adapter.createSession(userId, false, { ipAddress: device.address, userAgent: device.userAgent.slice(0, 400) }),
  )
  return { id, token: ctx.secrets.signSession(token) }
}

/** Ends what a user is signed in with, or about to be: all sessions, or all but one, and open challenges. */
export async function endSessions(tx: Tx, userId: string, exceptSessionId?: string): Promise<void> {
  await tx
    .deleteFrom('sessions')
    .where('userId', '=', userId)
    .where(exceptSessionId === undefined ? sql<boolean>`true` : sql<boolean>`id <> ${exceptSessionId}`)
    .execute()
  await tx.deleteFrom('verifications').where('value', '=', userId).where('identifier', 'like', '2fa%').execute()
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
  await addLogin(tx, ctx, userId, { passwordHash })
}

// Second factors. Codes, challenges and their limits live on real time, as authenticators do.

const challengeMilliseconds = 10 * 60_000
/** Longer than a code of an authenticator is accepted for. */
const codeMilliseconds = 3 * 60_000

/** Makes the challenge that whoever has the second factor answers to be signed in. */
export async function createChallenge(tx: Tx, ctx: Context, userId: string): Promise<string> {
  const identifier = newToken('2fa')
  const expiresAt = new Date(realTime() + challengeMilliseconds)
  await inTransaction(tx, ctx, async (adapter) => {
    await adapter.createVerificationValue({ identifier, value: userId, expiresAt })
    await adapter.createVerificationValue({ identifier: `2fa-attempts-${identifier}`, value: '0', expiresAt })
  })
  return ctx.secrets.signSession(identifier)
}

/**
 * Signs in whoever answers the challenge with a code of the authenticator or one of the backup codes. Its own
 * transactions: a wrong answer has to count although it is refused.
 */
export async function answerChallenge(
  ctx: Context,
  challenge: string,
  code: string,
  device: Device,
): Promise<(NewSession & { userId: string }) | undefined> {
  const identifier = ctx.secrets.verifySession(challenge)
  if (identifier === undefined) return undefined
  const { api, $context } = await auth(ctx)
  const { createAuthCookie, internalAdapter } = await $context
  const headers = deviceHeaders(device, signedCookie(ctx, createAuthCookie('two_factor').name, identifier))
  const isTimed = /^\d{6}$/.test(code)
  // Before it takes the challenge: a second device may sign in with the next code.
  const asked = await internalAdapter.findVerificationValue(identifier)
  if (asked && (await internalAdapter.findVerificationValue(usedCode(ctx, asked.value, code)))) return undefined
  const response = isTimed
    ? await api.verifyTOTP({ body: { code }, headers, asResponse: true })
    : await api.verifyBackupCode({ body: { code }, headers, asResponse: true })
  if (!response.ok) return undefined

  const { token } = (await response.json()) as { token: string }
  const { id, userId, disabledAt } = await ctx.db.across
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.userId')
    .select(['sessions.id', 'userId', 'disabledAt'])
    .where('token', '=', token)
    .executeTakeFirstOrThrow()
  if (disabledAt === null && (!isTimed || (await isFirstUse(ctx, userId, code)))) {
    return { id, userId, token: ctx.secrets.signSession(token) }
  }
  await ctx.db.across.deleteFrom('sessions').where('id', '=', id).execute()
  return undefined
}

// RFC 6238 §5.2: a code that was seen over somebody's shoulder signs nobody in a second time.
async function isFirstUse(ctx: Context, userId: string, code: string): Promise<boolean> {
  const { internalAdapter } = await (await auth(ctx)).$context
  const expiresAt = new Date(realTime() + codeMilliseconds)
  const identifier = usedCode(ctx, userId, code)
  return internalAdapter.reserveVerificationValue({ identifier, value: 'used', expiresAt })
}

const usedCode = (ctx: Context, userId: string, code: string) =>
  `used-code-${ctx.secrets.fingerprint(`${userId} ${code}`).toString('base64url')}`

/** Makes a secret for an authenticator, and backup codes; nothing is asked for before a code has confirmed it. */
export async function prepareTwoFactor(tx: Tx, ctx: Context, sessionId: string) {
  const { api, headers } = await inSession(tx, ctx, sessionId)
  const body = { password: 'checked', method: 'totp' } as const
  const prepared = await api.enableTwoFactor({ body, headers })
  if (prepared.method !== 'totp') throw new Error('better-auth prepared another method')
  return { uri: prepared.totpURI, backupCodes: prepared.backupCodes }
}

/** Turns the second factor on when the code is right. */
export async function confirmTwoFactor(tx: Tx, ctx: Context, userId: string, sessionId: string, code: string) {
  // With the user marked before, it leaves the session as it is.
  await tx.updateTable('users').set({ twoFactorEnabled: true }).where('id', '=', userId).execute()
  const { api, headers } = await inSession(tx, ctx, sessionId)
  const response = await api.verifyTOTP({ body: { code }, headers, asResponse: true })
  return response.ok
}

export async function removeTwoFactor(tx: Tx, ctx: Context, userId: string): Promise<void> {
  await tx.deleteFrom('twoFactors').where('userId', '=', userId).execute()
  await tx
    .updateTable('users')
    .set({ twoFactorEnabled: false, updatedAt: ctx.now() })
    .where('id', '=', userId)
    .execute()
}

/** Its endpoints for a signed-in user, inside our transaction: an instance of its own, for what is done rarely. */
async function inSession(tx: Tx, ctx: Context, sessionId: string) {
  const { api, $context } = await create(ctx, { db: tx, passwordsAreChecked: true })
  const session = await tx.selectFrom('sessions').select('token').where('id', '=', sessionId).executeTakeFirst()
  if (!session) throw new FreeholdError('unauthenticated')
  const { name } = (await $context).authCookies.sessionToken
  return { api, headers: new Headers({ cookie: signedCookie(ctx, name, session.token) }) }
}

/** Our signature and that of its cookies differ in their alphabet only. */
function signedCookie(ctx: Context, name: string, value: string): string {
  const signed = ctx.secrets.signSession(value)
  const signature = Buffer.from(signed.slice(value.length + 1), 'base64url').toString('base64')
  return sendCookie(name, `${value}.${signature}`)
}

export const sendCookie = (name: string, value: string) => `${name}=${encodeURIComponent(value)}`

/** What its endpoint sets as a cookie; the browser gets it under a name of ours. */
export function cookieValueOf(response: Response, name: string): string | undefined {
  const set = response.headers.getSetCookie().find((each) => each.startsWith(`${name}=`))
  const value = set?.slice(name.length + 1).split(';', 1)[0]
  return value && decodeURIComponent(value)
}

const deviceHeaders = (device: Device, cookie: string) =>
  new Headers({
    cookie,
    'x-freehold-address': device.address,
    'user-agent': device.userAgent.slice(0, 400).replace(/[^\x20-\x7e]/g, '?'),
  })
