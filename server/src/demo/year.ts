import { denials } from '../access/denials.ts'
import { auditSystem } from '../audit/audit.ts'
import type { Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { createMissingPlans } from '../plans/plans.ts'
import { seeded } from './chance.ts'
import { hire, playCrew } from './crew.ts'
import { decide, found, proveEmail, unlessRefused, use } from './deeds.ts'
import { appetiteOn, makeUpLife } from './lives.ts'
import { openAccounts } from './money.ts'
import { createNames } from './names.ts'
import { featuresOf, included, offersOf } from './offers.ts'
import { dayMilliseconds, demo, type Play, type Player, type Size } from './play.ts'
import { playShowcase, showcase } from './showcase.ts'
import { openStage, type Stage } from './stage.ts'
import { growTeam } from './teams.ts'

const seed = 2020
/** How many of the businesses have signed up after a part of the time: more every month. */
const growth = 1.7
/** The last days are looked at closely, so what is used then comes more often. */
const closely = { days: 3, times: 6 }

export const filled = 'demo.filled'

/**
 * Plays a year up to now: sign-ups, what customers decide, use and pay, and what staff do, day by day on a clock of its
 * own, through the functions that routes and workers call. So everything stored is what the product itself would have
 * stored, and adds up.
 */
export async function playYear(
  real: Context,
  size: Size,
  passwordHash: string,
  say: (line: string) => void,
): Promise<void> {
  const end = real.now()
  // Whole days in UTC; the last one is cut off now.
  const firstDay = Math.floor(end.getTime() / dayMilliseconds) - size.days
  const stage = openStage(real, new Date(firstDay * dayMilliseconds))
  try {
    await playOn(stage, { ...size, firstDay, end }, passwordHash, say)
  } finally {
    await stage.close()
  }
}

async function playOn(
  stage: Stage,
  { firstDay, end, ...size }: Size & { firstDay: number; end: Date },
  passwordHash: string,
  say: (line: string) => void,
): Promise<void> {
  const last = size.days
  const midnight = (day: number) => (firstDay + day) * dayMilliseconds
  const { ctx } = stage
  const chance = seeded(seed)
  const offers = offersOf(ctx.product)
  const players: Player[] = []
  const byId = new Map<string, Player>()

  const agenda: { at: number; deed: () => Promise<unknown> }[][] = Array.from({ length: last + 1 }, () => [])
  const on: Play['on'] = (day, deed, hour = chance.between(7, 20)) => {
    const length = day === last ? end.getTime() - midnight(day) : dayMilliseconds
    agenda[day]?.push({ at: midnight(day) + (hour / 24) * length, deed })
  }
  await acrossBusinesses(ctx.db, (tx) => createMissingPlans(tx, ctx))
  const play: Play = {
    ctx,
    size,
    players,
    crew: await hire(ctx, passwordHash),
    names: createNames(seeded(seed + 1)),
    passwordHash,
    today: () => Math.floor(ctx.now().getTime() / dayMilliseconds) - firstDay,
    on,
    soon: (minutes, deed) => {
      const at = ctx.now().getTime() + minutes * 60_000
      if (at < end.getTime()) agenda[Math.floor(at / dayMilliseconds) - firstDay]?.push({ at, deed })
    },
    withoutMailServer: stage.withoutMailServer,
  }
  const takeIn = openAccounts(ctx, play.crew.bank, (id) => byId.get(id) ?? nobody)

  for (let number = 0; number < size.businesses; number += 1) {
    const part = (number + (number === 0 ? 0 : chance.between(0, 1))) / size.businesses
    on(Math.floor(last * part ** (1 / growth)), () => begin(number))
  }
  playCrew(play, seeded(seed + 2))
  for (let day = 0; day <= last; day += 1) {
    on(day, stage.sweep, 0.2)
    on(day, takeIn, 9.5)
    on(day, stage.sweep, 12.5)
    const times = last - day < closely.days ? closely.times : 1
    for (let time = 0; time < times; time += 1) on(day, () => consume(day, times), 8 + (time * 12) / times)
  }

  async function begin(number: number): Promise<void> {
    const own = seeded(seed + 1000 + number)
    const special = number === 0 ? showcase : undefined
    const newFirm = special?.firm ?? play.names.firm()
    const firm = await found(ctx, newFirm, passwordHash, number)
    const since = play.today()
    const life = special?.life ?? makeUpLife(number, own)
    const paid = offers.paid.length > 0 ? own.pick(offers.paid) : undefined
    const yearly = offers.yearly.find(({ plan }) => plan === paid?.plan) ?? offers.yearly[0]
    const weekend = own.happens(0.25) ? own.between(1, 1.4) : own.between(0.15, 0.7)
    const player: Player = { firm, life, chance: own, since, paid, yearly, weekend, quietUntil: 0 }
    players.push(player)
    byId.set(firm.id, player)
    if (special || own.happens(0.9)) await proveEmail(ctx, newFirm.owner)
    const chosen = { start: offers.start, paid, yearly }
    for (const { day, move } of life.moves) on(since + day, () => decide(ctx, firm, move, chosen))
    growTeam(play, player)
    if (special) playShowcase(play, player)
  }

  /** Everybody counts what they use of a day, in as many parts as there are. */
  async function consume(day: number, times: number): Promise<void> {
    const weekday = new Date(midnight(day)).getUTCDay()
    await Promise.all(
      players.flatMap((player) => {
        const { firm, life, since, weekend, quietUntil } = player
        if (day < quietUntil) return []
        const week = weekday === 0 || weekday === 6 ? weekend : 1
        const appetite = appetiteOn(day - since, life) * week
        return featuresOf(ctx.product, 'metered').map(async (feature) => {
          const weather = player.chance.between(0.7, 1.3) * (player.chance.happens(0.02) ? 2.2 : 1)
          const offer = (life.pays ? player.paid : undefined) ?? offers.start
          const rate = included(ctx.product, offer.plan, feature) / offer.cycleDays
          const amount = Math.round((rate * appetite * weather) / times)
          if (amount === 0) return
          const answer = await unlessRefused(use(ctx, firm, feature, amount, day === last))
          if (answer?.code && answer.code !== 'limit_reached') player.quietUntil = day + 5
        })
      }),
    )
  }

  let month = ''
  for (const [day, today] of agenda.entries()) {
    const name = new Date(midnight(day)).toLocaleDateString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
    if (name !== month) {
      if (month !== '') say(progress(month))
      month = name
    }
    for (;;) {
      // What is done may have more done on the same day.
      today.sort((left, right) => left.at - right.at)
      const next = today.shift()
      if (!next) break
      stage.moveTo(new Date(next.at))
      await next.deed()
      await stage.settle()
    }
  }
  stage.moveTo(end)
  await stage.sweep()
  await denials(ctx).written()
  await acrossBusinesses(ctx.db, (tx) =>
    auditSystem(tx, ctx, demo, { action: filled, after: { businesses: players.length, days: last } }),
  )
  say(progress(month))

  function progress(name: string): string {
    return `  ${name.padEnd(16)}${String(players.length).padStart(4)} businesses`
  }
}

const nobody = { life: makeUpLife(0, seeded(0)), chance: seeded(0) }
