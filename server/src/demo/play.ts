import { systemActor, type Actor, type Context } from '../context.ts'
import type { Chance } from './chance.ts'
import type { Firm } from './deeds.ts'
import type { Life } from './lives.ts'
import type { Names } from './names.ts'
import type { Offer } from './offers.ts'

/** How much is made up. */
export type Size = { businesses: number; days: number }

/** A business and whoever plays it. */
export type Player = {
  firm: Firm
  life: Life
  chance: Chance
  /** The day of the sign-up. */
  since: number
  /** What it buys if it buys. */
  paid: Offer | undefined
  yearly: Offer | undefined
  /** How busy it is at the weekend, beside the week. */
  weekend: number
  /** It was refused, and asks again on this day. */
  quietUntil: number
}

/** The people who run the product, and what records the payments that the bank tells of. */
export type Crew = { sam: Actor; rhea: Actor; bank: Actor }

/** What the parts of the year have in common. */
export type Play = {
  ctx: Context
  size: Size
  players: Player[]
  crew: Crew
  names: Names
  /** Everybody's. */
  passwordHash: string
  /** The day it is; the last one is `size.days`. */
  today: () => number
  /** Has something done on a day, at an hour if it matters; what lies beyond the end never happens. */
  on: (day: number, deed: () => Promise<unknown>, hour?: number) => void
  /** The same so many minutes from now. */
  soon: (minutes: number, deed: () => Promise<unknown>) => void
  withoutMailServer: (work: () => Promise<unknown>) => Promise<void>
}

export const dayMilliseconds = 86_400_000

/** In the log for what nobody else has done. */
export const demo = systemActor('demo')
