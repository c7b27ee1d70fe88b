import { authenticate } from '../access/credentials.ts'
import { allocate, consumeUnits, type GateAnswer, type Subject } from '../access/gate.ts'
import { denials } from '../access/denials.ts'
import { credentialSubject } from '../access/subject.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, authorized, withinBusiness } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { inviteMember, type Invitation } from '../invitations/invitations.ts'
import {
  choosePlan,
  endPause,
  scheduleCancellation,
  schedulePause,
  undoCancellation,
} from '../subscriptions/choices.ts'
import { createSession } from '../users/better-auth.ts'
import { confirmEmail, sendVerification } from '../users/email-verifications.ts'
import { asActor, welcome } from '../users/sign-in.ts'
import { joinAsNewUser, signUp } from '../users/sign-up.ts'
import type { Move } from './lives.ts'
import type { Named, NewFirm } from './names.ts'
import type { Offer } from './offers.ts'

/** What customers do, each as the route of the same name does it. */

export type Person = { actor: Actor; userId: string; memberId: string; role: string }
export type Firm = {
  id: string
  name: string
  domain: string
  owner: Person
  people: Person[]
  keys: { id: string; type: string; key: string }[]
}

export const fenced = <T>(ctx: Context, { id }: Pick<Firm, 'id'>, work: (tx: Tx) => Promise<T>): Promise<T> =>
  withinBusiness(ctx.db, authorized(id), work)

/** Does what may be refused by what has become of a business meanwhile; then nothing happens, as on a screen. */
export async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (error instanceof FreeholdError) return undefined
    throw error
  })
}

const devices = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
]

/** Of networks that are for documentation (RFC 5737). */
const deviceNumber = (number: number) => ({
  address: `203.0.113.${1 + (number % 250)}`,
  userAgent: devices[number % devices.length] ?? '',
})

export async function found(
  ctx: Context,
  { name, domain, owner }: NewFirm,
  passwordHash: string,
  device: number,
): Promise<Firm> {
  return acrossBusinesses(ctx.db, async (tx) => {
    const user = { ...owner, login: { passwordHash }, emailVerified: false }
    const { business, member, userId, apiKeys } = await signUp(tx, ctx, user, { name })
    await sendVerification(tx, ctx, userId, owner.email)
    await createSession(tx, ctx, userId, deviceNumber(device))
    const person = personOf(owner, userId, { id: member.id, role: 'owner' })
    return { id: business.id, name, domain, owner: person, people: [person], keys: apiKeys }
  })
}

export const signInOn = (ctx: Context, { userId }: Person, device: number) =>
  acrossBusinesses(ctx.db, async (tx) =>
    welcome(tx, ctx, userId, await createSession(tx, ctx, userId, deviceNumber(device)), deviceNumber(device)),
  )

function personOf(named: Named, userId: string, { id: memberId, role }: { id: string; role: string }): Person {
  const actor = asActor({ id: userId, emailVerified: true, ...named })
  return { actor, userId, memberId, role }
}

/** What somebody does with the link in the newest mail to them. */
export async function tokenMailedTo(ctx: Context, email: string): Promise<string> {
  const mail = await ctx.db.across
    .selectFrom('mails')
    .select('sealed')
    .where('recipient', '=', email)
    .where('sealed', 'is not', null)
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { text } = mail?.sealed ? (JSON.parse(ctx.secrets.open('mail', mail.sealed)) as { text: string }) : { text: '' }
  const token = /#token=([\w.-]+)/.exec(text)?.[1]
  if (token === undefined) throw new Error(`There is no link in the newest mail to ${email}`)
  return token
}

export async function proveEmail(ctx: Context, { email }: Named): Promise<void> {
  const token = await tokenMailedTo(ctx, email)
  await acrossBusinesses(ctx.db, (tx) => confirmEmail(tx, ctx, token))
}

export const invite = (ctx: Context, firm: Firm, inviter: Person, email: string, role: string): Promise<Invitation> =>
  fenced(ctx, firm, (tx) => inviteMember(tx, ctx, inviter.actor, heldBy(ctx, inviter), firm.id, { email, role }))

export const heldBy = (ctx: Context, { role }: Person): ReadonlySet<string> => ctx.permissions.roles[role] ?? new Set()

export async function accept(ctx: Context, firm: Firm, named: Named, passwordHash: string): Promise<Person> {
  const token = await tokenMailedTo(ctx, named.email)
  const { userId, member } = await acrossBusinesses(ctx.db, (tx) =>
    joinAsNewUser(tx, ctx, token, { ...named, login: { passwordHash } }),
  )
  const person = personOf(named, userId, member)
  firm.people.push(person)
  return person
}

/** Decides about the subscription; answers whether it was let to. */
export async function decide(
  ctx: Context,
  firm: Firm,
  move: Move,
  { start, paid, yearly }: { start: Offer; paid: Offer | undefined; yearly: Offer | undefined },
): Promise<boolean> {
  const { id } = firm
  const { actor } = firm.owner
  const choose = (tx: Tx, offer: Offer | undefined, trial = false) =>
    offer
      ? choosePlan(tx, ctx, actor, id, { plan: offer.plan, price: offer.price, replace: true, trial })
      : Promise.resolve()
  const deeds: Record<Move, (tx: Tx) => Promise<unknown>> = {
    try: (tx) => (paid?.trial === true ? choose(tx, paid, true) : Promise.resolve()),
    buy: (tx) => choose(tx, paid),
    yearly: (tx) => choose(tx, yearly),
    downgrade: (tx) => choose(tx, start),
    cancel: (tx) => scheduleCancellation(tx, ctx, actor, id, 'cycleEnd'),
    leave: (tx) => scheduleCancellation(tx, ctx, actor, id, 'now'),
    stay: (tx) => undoCancellation(tx, ctx, actor, id),
    pause: (tx) => schedulePause(tx, ctx, actor, id),
    resume: (tx) => endPause(tx, ctx, actor, id),
  }
  const done = await unlessRefused(fenced(ctx, firm, deeds[move]).then(() => true))
  return done === true
}

/** Counts with an API key, as a product's SDK does, or as somebody signed in where the product has no keys. */
export async function use(
  ctx: Context,
  firm: Firm,
  feature: string,
  amount: number,
  isRecent: boolean,
): Promise<GateAnswer> {
  const ask = { feature, amount, requestId: ctx.newId('request') }
  const subject = await subjectOf(ctx, firm)
  const answer = await consumeUnits(ctx, subject, ask)
  if (answer.allowed || answer.code !== 'limit_reached') return answer
  // Why it was is kept for a day.
  if (isRecent) {
    const asked = { ...ask, subject, at: ctx.now(), route: '/v1/consume', permission: undefined, itemId: undefined }
    denials(ctx).note({ asked, answer, bearer: undefined, explanation: undefined })
  }
  // What is sent one by one fills the limit before it is refused.
  return answer.remaining !== null && answer.remaining > 0
    ? consumeUnits(ctx, subject, { ...ask, amount: answer.remaining })
    : answer
}

async function subjectOf(ctx: Context, firm: Firm): Promise<Subject> {
  const { id: businessId, owner, keys } = firm
  const key = keys.at(-1)
  const credential = key && (await authenticate(ctx, key.key))
  return credential
    ? credentialSubject(ctx, credential, undefined, '')
    : { businessId, permissions: heldBy(ctx, owner), credentialId: owner.userId, actor: owner.actor }
}

export async function hold(ctx: Context, firm: Firm, feature: string, itemId: string): Promise<void> {
  const { id: businessId, owner } = firm
  const subject = { businessId, permissions: heldBy(ctx, owner), credentialId: owner.userId, actor: owner.actor }
  await allocate(ctx, subject, { feature, itemId, requestId: ctx.newId('request') })
}
