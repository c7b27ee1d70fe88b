import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { randomText } from './ids.ts'

/**
 * Tokens that are handed out once: 160 random bits, found again by hash only, so that a copy of the database opens
 * nothing (ASVS 5.0 V11.5.1). One that belongs to a business names it, so that a look-up goes to one shard.
 */
export function newToken(prefix: string, businessId?: string): string {
  const business = businessId === undefined ? '' : businessId.slice(businessId.indexOf('_') + 1)
  return `${prefix}_${business}${randomText(32)}`
}

export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest()

/** The business a token made by `newToken(prefix, businessId)` names, or undefined when it has another shape. */
export function businessOfToken(token: string): string | undefined {
  const match = /^[a-z]+_([0-9a-hjkmnp-tv-z]{26})[0-9a-hjkmnp-tv-z]{32}$/.exec(token)
  return match ? `biz_${match[1]}` : undefined
}

/** What is sealed. Each use has a key of its own: some of it callers hold themselves, and could send in another's place. */
export type Sealed = 'answer' | 'mail' | 'quote' | 'sign-in' | 'sign-up'

/** Everything derived from SECRET, each use under a key of its own. */
export type Secrets = {
  /** Signs a session's token; the bearer is `token.signature`. */
  signSession: (token: string) => string
  /** The token inside a signed bearer, or undefined when the signature is not ours. */
  verifySession: (bearer: string) => string | undefined
  /** A keyed fingerprint: equality can be checked, the content not guessed from a dump. */
  fingerprint: (text: string) => Buffer
  /** Encrypts text for one use, and opens as nothing else; `salt` may add a secret that only the caller has. */
  seal: (use: Sealed, text: string, salt?: string) => Buffer
  open: (use: Sealed, sealed: Buffer, salt?: string) => string
  /** For better-auth, which signs and encrypts its own values. */
  authSecret: string
}

export function openSecrets(secret: string): Secrets {
  const derive = (use: string, salt = '') => Buffer.from(hkdfSync('sha256', secret, salt, use, 32))
  const fingerprintKey = derive('fingerprint')
  const authSecret = derive('auth').toString('base64url')
  const sealingKey = (use: Sealed, salt?: string) => {
    if (salt !== undefined) return derive(`seal ${use}`, salt)
    return (sealingKeys[use] ??= derive(`seal ${use}`))
  }
  const sealingKeys: Partial<Record<Sealed, Buffer>> = {}
  // better-auth checks the same HMAC over its own secret, which lets its endpoints read our bearers.
  const sign = (token: string) => createHmac('sha256', authSecret).update(token).digest()

  return {
    authSecret,
    signSession: (token) => `${token}.${sign(token).toString('base64url')}`,
    verifySession: (bearer) => {
      const dot = bearer.lastIndexOf('.')
      if (dot < 1) return undefined
      const token = bearer.slice(0, dot)
      // As text: several texts decode to the same bytes, and only one of them is ours.
      const given = Buffer.from(bearer.slice(dot + 1))
      const expected = Buffer.from(sign(token).toString('base64url'))
      return given.length === expected.length && timingSafeEqual(given, expected) ? token : undefined
    },
    fingerprint: (text) => createHmac('sha256', fingerprintKey).update(text).digest(),
    seal: (use, text, salt) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', sealingKey(use, salt), nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    open: (use, sealed, salt) => {
      const decipher = createDecipheriv(
        'aes-256-gcm',
        sealingKey(use, salt),
        sealed.subarray(0, 12),
        // A shorter tag would be easier to guess: whoever sends a quote chooses how long it is.
        { authTagLength: 16 },
      )
      decipher.setAuthTag(sealed.subarray(12, 28))
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}
