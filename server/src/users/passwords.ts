import { hash, verify } from '@node-rs/argon2'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'

/** The passwords most often found in leaks that are long enough to be tried here (ASVS 5.0 V6.2.4). */
const common = new Set(
  `password password1 password12 password123 passw0rd p@ssw0rd 12345678 123456789 1234567890 11111111 00000000 87654321
  qwertyui qwertyuiop qwerty123 qwerty12 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx q1w2e3r4 asdfghjkl asdfasdf iloveyou
  sunshine princess football baseball superman trustno1 welcome1 welcome123 letmein1 letmein123 admin123 admin1234
  administrator changeme changeme1 michelle jennifer computer internet whatever starwars dragon123 monkey123 master123
  abc12345 abcd1234 aa123456 a1b2c3d4 abcdefgh abcdefg1 12341234 12344321 123123123 123321123 66666666 88888888 99999999
  55555555 22222222 77777777 147258369 159753456 987654321 0987654321 789456123 secret123 test1234 testtest freedom1
  liverpool chelsea1 arsenal1 samsung1 corvette mercedes maverick hello123 charlie1 jordan23 pokemon1 spiderman
  batman123 elephant diamond1 butterfly chocolate basketball blink182 lovelove babygirl babygirl1 justin123 zxcvbnm1
  zxcvbnm123 asdf1234 qazwsxedc 1234qwer qwer1234 11223344 112233445566 12121212 10203040 13131313 101010101`
    .split(/\s+/)
    .filter(Boolean),
)

/** Length is the schema's; this refuses what everybody tries first, and the e-mail itself. */
export function checkPassword(path: string, password: string, email: string): void {
  const lower = password.normalize('NFKC').toLowerCase()
  if (common.has(lower)) throw invalid(path, 'is one of the most common passwords; choose another')
  if (lower === email.toLowerCase()) throw invalid(path, 'must not be the e-mail')
}

/** argon2id with OWASP's parameters: m = 19 MiB, t = 2, p = 1. */
const argon2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Of the whole password, however a keyboard composes its characters. Never inside a transaction: it takes long. */
export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFKC'), argon2)

export const isPassword = (passwordHash: string, password: string): Promise<boolean> =>
  verify(passwordHash, password.normalize('NFKC'))

/** Somebody whose password was right, and the hash it matched. */
export type Proved = { userId: string; passwordHash: string }

/**
 * Finds out whose e-mail and password these are. It hashes once for an unknown e-mail or a disabled user too, so that
 * all refusals take the same time (ASVS 5.0 V6.3.8).
 */
export async function checkCredentials(ctx: Context, email: string, password: string): Promise<Proved | undefined> {
  const account = await passwordAccount(ctx.db.across).where('email', '=', email).executeTakeFirst()
  if (!account?.passwordHash) await hashPassword(password)
  else if (await isPassword(account.passwordHash, password)) return { ...account, passwordHash: account.passwordHash }
  return undefined
}

/** The same for somebody who is signed in. */
export async function proveAgain(ctx: Context, userId: string, password: string): Promise<Proved | undefined> {
  const account = await passwordAccount(ctx.db.across).where('userId', '=', userId).executeTakeFirst()
  const passwordHash = account?.passwordHash
  return passwordHash && (await isPassword(passwordHash, password)) ? { userId, passwordHash } : undefined
}

/** Locks the user, and says whether the password that was checked before is still theirs. */
export async function stillProved(tx: Tx, { userId, passwordHash }: Proved): Promise<boolean> {
  await lockUser(tx, userId)
  const account = await passwordAccount(tx).where('userId', '=', userId).executeTakeFirst()
  return account?.passwordHash === passwordHash
}

/** Whoever signs in, or changes how one signs in, goes one after the other. */
export const lockUser = (tx: Tx, userId: string) =>
  tx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().executeTakeFirst()

const passwordAccount = (db: Queryable) =>
  db
    .selectFrom('accounts')
    .innerJoin('users', 'users.id', 'accounts.userId')
    .select(['userId', 'password as passwordHash'])
    .where('providerId', '=', 'credential')
    .where('disabledAt', 'is', null)
