import { randomBytes } from 'node:crypto'

/** What ids are made for; the prefix tells people and logs what they look at. */
export const idPrefixes = {
  user: 'usr',
  session: 'ses',
  account: 'acc',
  verification: 'ver',
  twoFactor: 'tfa',
  business: 'biz',
  member: 'mem',
  invitation: 'inv',
  apiKey: 'key',
  appKey: 'app',
  planVersion: 'plv',
  subscription: 'sub',
  grant: 'grt',
  usageEntry: 'use',
  reservation: 'rsv',
  invoice: 'ivc',
  payment: 'pay',
  creditEntry: 'cre',
  charge: 'chg',
  supportSession: 'sup',
  auditEntry: 'aud',
  event: 'evt',
  worker: 'wrk',
  mail: 'mai',
  pendingSignup: 'psu',
  request: 'req',
} as const

export type IdKind = keyof typeof idPrefixes

// Crockford's base 32 in lower case: it sorts by byte and has no letters that are mistaken for digits.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

let lastMillisecond = 0
let lastTime = ''
let lastRandom = ''
let sequence = 0

/**
 * `biz_` + 26 characters: 48 bits of time, 15 of sequence and 65 random ones, which are new with each millisecond. Ids
 * made by one process ascend even within one, so lists ordered by id are ordered by creation. They are no secrets.
 */
export function newId(kind: IdKind, at: Date): string {
  const milliseconds = at.getTime()
  if (milliseconds > lastMillisecond || sequence === 0x7fff) {
    lastMillisecond = Math.max(milliseconds, lastMillisecond + 1)
    lastTime = base32(lastMillisecond, 10)
    lastRandom = randomText(13)
    sequence = 0
  } else sequence += 1
  return `${idPrefixes[kind]}_${lastTime}${base32(sequence, 3)}${lastRandom}`
}

/** Random text of 5 bits a character. */
export function randomText(length: number): string {
  let text = ''
  for (let index = 0; index < length; index += 1) text += alphabet[randomByte() & 31]
  return text
}

// Asked for a few thousand at a time: the call costs far more than the bytes. Each is used once and wiped.
let pool = Buffer.alloc(0)
let spent = 0

function randomByte(): number {
  if (spent === pool.length) {
    pool = randomBytes(8192)
    spent = 0
  }
  const byte = pool[spent] ?? 0
  pool[spent] = 0
  spent += 1
  return byte
}

// By division: 48 bits are too many for the shifts of a number.
function base32(value: number, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = alphabet[rest % 32] + text
  return text
}
