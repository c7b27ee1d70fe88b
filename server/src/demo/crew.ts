import { createAppKey } from '../api-keys/app-keys.ts'
import type { Actor, Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { createUser } from '../users/better-auth.ts'
import { setUserDisabled } from '../users/disabling.ts'
import { asActor } from '../users/sign-in.ts'
import { addStaff } from '../users/staff.ts'
import type { Chance } from './chance.ts'
import { invite, unlessRefused } from './deeds.ts'
import { offersOf } from './offers.ts'
import { demo, type Crew, type Play, type Player } from './play.ts'
import * as deeds from './staff-deeds.ts'

export const staffEmail = 'staff@demo.example'

export async function hire(ctx: Context, passwordHash: string): Promise<Crew> {
  const join = async (firstName: string, lastName: string, email: string): Promise<Actor> => {
    const user = { firstName, lastName, email, login: { passwordHash }, emailVerified: true }
    const { id } = await acrossBusinesses(ctx.db, async (tx) => {
      const created = await createUser(tx, ctx, user)
      await addStaff(tx, ctx, demo, email)
      return created
    })
    return { ...asActor({ id, ...user }), staff: true } as Actor
  }
  const name = 'Bank statements'
  const { id } = await acrossBusinesses(ctx.db, (tx) => createAppKey(tx, ctx, demo, { name, scope: 'admin' }))
  return {
    sam: await join('Sam', 'Okonkwo', staffEmail),
    rhea: await join('Rhea', 'Lindgren', 'rhea@demo.example'),
    bank: { kind: 'app', id, name, scope: 'admin' },
  }
}

/** What staff do: now and then something for somebody, and towards the end whatever a list has to show. */
export function playCrew(play: Play, chance: Chance): void {
  const { ctx, size, players, crew, on } = play
  const { start, yearly, hidden } = offersOf(ctx.product)
  const last = size.days
  const help = (player: Player, staff = chance.pick([crew.sam, crew.rhea])): deeds.Help => {
    const { firm, life, paid } = player
    return { ctx, staff, chance, firm, offer: (life.pays ? paid : undefined) ?? start }
  }

  const often: ((given: deeds.Help) => Promise<unknown>)[] = [
    deeds.giveUnits,
    deeds.giveUnits,
    deeds.liftLimit,
    deeds.giveCredit,
    deeds.lengthen,
    async (given) => {
      const id = await deeds.lookInto(given, chance.pick([15, 30, 60]), chance.happens(0.2) ? 'write' : 'read')
      if (id !== undefined && chance.happens(0.6)) play.soon(chance.whole(4, 14), () => deeds.lookAway(given, id))
    },
    async (given) => {
      await deeds.decideWhoLooksIn(given, 'ask')
      const id = await deeds.lookInto(given, 60)
      if (id !== undefined) on(play.today() + 1, () => deeds.answerRequest(given, id, chance.happens(0.7)))
    },
  ]
  for (let number = 0; number < Math.ceil(size.businesses * 0.35); number += 1) {
    const day = Math.floor(last * chance.between(0.05, 1) ** 0.6)
    on(day, async () => {
      if (players.length > 1) await chance.pick(often)(help(chance.pick(players.slice(1))))
    })
  }

  const shown = new Set<string>()
  /** Of those that stand like this, one that nothing has been done to here. */
  const one = async (status: string, pays: boolean, onYear = false): Promise<Player | undefined> => {
    const rows = await ctx.db.across
      .selectFrom('subscriptions')
      .innerJoin('businesses', 'businesses.id', 'subscriptions.businessId')
      .select(['businesses.id', 'price'])
      .where('subscriptions.status', '=', status)
      .where('businesses.status', '=', 'active')
      .where('billed', pays ? '>' : '=', 0)
      .orderBy('businesses.id')
      .execute()
    const isYear = (price: string) => yearly.some((offer) => offer.price === price)
    const ids = new Set(rows.flatMap(({ id, price }) => (isYear(price) === onYear ? id : [])))
    const found = players
      .slice(1)
      .filter(({ firm, life }) => ids.has(firm.id) && !shown.has(firm.id) && life.pays === pays)
    if (found.length === 0) return undefined
    const player = chance.pick(found)
    shown.add(player.firm.id)
    return player
  }
  const late = (
    daysBefore: number,
    status: string,
    pays: boolean,
    deed: (given: deeds.Help, player: Player) => Promise<unknown>,
  ) =>
    on(last - daysBefore, async () => {
      const player = await one(status, pays)
      if (player) await deed(help(player), player)
    })

  const [secret] = hidden
  if (secret) {
    for (const day of [190, 60])
      late(day, 'active', true, (given) => deeds.moveTo(given, secret, 'Sponsored: open source'))
  }
  // A year's price is less a month: who goes back pays more.
  for (const day of [95, 40]) {
    on(last - day, async () => {
      const player = await one('active', true, true)
      if (player?.paid) await deeds.moveTo(help(player), player.paid, 'Their budget is by the month again')
    })
  }
  // Long enough before the end for a cycle to fall due meanwhile, whose invoice is held.
  late(45, 'active', true, (given) =>
    deeds.suspend(given, 'suspended', 'Card testing from three addresses, ticket 4388'),
  )
  late(30, 'active', false, async (given) => {
    await deeds.suspend(given, 'suspended', 'Recorded sign-in pages of others, ticket 4410')
    on(last - 26, () => deeds.suspend(given, 'active', 'They have removed them'))
  })
  late(70, 'active', false, deeds.closeFor)
  late(9, 'active', true, deeds.closeFor)
  late(20, 'active', true, (given) => deeds.endFor(given, 'They move to their own servers, agreed by phone'))
  late(12, 'active', true, (given) => deeds.voidOpenInvoice(given, 'Billed to the wrong company'))
  late(25, 'active', false, (given, { firm }) => {
    const change = { disabled: true, reason: 'Password found in a leak; they will call' }
    return acrossBusinesses(ctx.db, (tx) => setUserDisabled(tx, ctx, crew.sam, firm.owner.userId, change))
  })
  for (const days of [3, 6, 9]) late(2, 'active', true, (given) => deeds.giveUnits(given, days))
  late(3, 'active', true, (given) => deeds.liftLimit(given, 8))
  late(8, 'active', false, (given) => deeds.decideWhoLooksIn(given, 'never'))
  for (const day of [2, 1]) {
    late(day, 'active', true, async (given) => {
      await deeds.decideWhoLooksIn(given, 'ask')
      await deeds.lookInto(given, 60)
    })
  }
  late(0, 'active', true, (given) => deeds.lookInto(given, 480))

  // Two addresses that cannot be reached for lack of a mail server.
  for (const local of ['reception', 'accounts']) {
    late(3, 'active', true, (_given, { firm }) =>
      play.withoutMailServer(() => unlessRefused(invite(ctx, firm, firm.owner, `${local}@${firm.domain}`, 'member'))),
    )
  }
}
