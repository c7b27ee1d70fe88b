import { readFileSync } from 'node:fs'
import { hash, verify } from '@node-rs/argon2'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'

/** Length is the schema's; this refuses what everybody tries first, and the e-mail itself. */
export function checkPassword(path: string, password: string, email: string): void {
  const lower = password.normalize('NFKC').toLowerCase()
  if (isCommon(lower)) throw invalid(path, 'is one of the most common passwords; choose another')
  if (lower === email.toLowerCase()) throw invalid(path, 'must not be the e-mail')
}

/** Among the 10,000 most common that are long enough to be tried here (ASVS 5.0 V6.2.4), or as easily guessed. */
const isCommon = (lower: string) => (common ??= readCommon()).has(lower) || isRepetition(lower) || isSequence(lower)

// Read when somebody first chooses a password.
let common: Set<string> | undefined
const readCommon = () =>
  new Set(
    readFileSync(new URL('../../data/common-passwords.txt', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#')),
  )

// The list has none of these: whoever guesses makes them up.
const isRepetition = (text: string) => text.length <= 16 && /^(.{1,4})\1+$/u.test(text)
const isSequence = (text: string) => sequences.some((sequence) => sequence.includes(text))
const sequences = ['abcdefghijklmnopqrstuvwxyz', 'zyxwvutsrqponmlkjihgfedcba', '01234567890', '09876543210']

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
export async function stillProved(tx: Tx, { userId, passwordHash }: Proved, lock = lockUser): Promise<boolean> {
  await lock(tx, userId)
  const account = await passwordAccount(tx).where('userId', '=', userId).executeTakeFirst()
  return account?.passwordHash === passwordHash
}

/** While somebody signs in, how they sign in does not change; others may sign in as the same person meanwhile. */
export const holdUser = (tx: Tx, userId: string) =>
  tx.selectFrom('users').select('id').where('id', '=', userId).forShare().executeTakeFirst()

/** Whoever changes how one signs in does so alone. */
export const lockUser = (tx: Tx, userId: string) =>
  tx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().executeTakeFirst()

const passwordAccount = (db: Queryable) =>
  db
    .selectFrom('accounts')
    .innerJoin('users', 'users.id', 'accounts.userId')
    .select(['userId', 'password as passwordHash'])
    .where('providerId', '=', 'credential')
    .where('disabledAt', 'is', null)
