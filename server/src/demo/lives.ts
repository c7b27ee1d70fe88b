import type { Chance } from './chance.ts'

/** What becomes of a business in its time with the product. Pure: it says what is meant, whoever plays it does it. */

/** What a business decides about its subscription. */
export type Move = 'try' | 'buy' | 'yearly' | 'downgrade' | 'cancel' | 'leave' | 'stay' | 'pause' | 'resume'

export type Life = {
  moves: { day: number; move: Move }[]
  /** How much it uses once it has grown: a part of what its plan includes, of a paid plan's where it pays for one. */
  appetite: number
  pays: boolean
  /** After how many days it loses interest, if it does. */
  fades: number | null
  /** Of invoices: within a few days, after a reminder or two, or not any more after so many. */
  payment: 'promptly' | 'late' | { stopsAfter: number }
  people: number
  /** Items of allocated features, as part of what the plan includes. */
  items: number
}

type Kind = { share: number; live: (chance: Chance) => Partial<Life> }

/** Kinds of lives, and of how many in a hundred. */
const kinds: Kind[] = [
  // Looks around and loses interest.
  { share: 20, live: (chance) => ({ appetite: chance.between(0.05, 0.5), fades: chance.whole(8, 60), people: 1 }) },
  // The free plan is enough.
  { share: 18, live: (chance) => ({ appetite: chance.between(0.2, 1.3), people: chance.whole(1, 3) }) },
  // Tries, and does not buy.
  {
    share: 9,
    live: (chance) => ({
      moves: [{ day: chance.whole(0, 12), move: 'try' }],
      appetite: chance.between(0.1, 0.9),
      fades: chance.happens(0.5) ? chance.whole(30, 80) : null,
    }),
  },
  // Tries and buys.
  { share: 20, live: (chance) => buysAfterTrial(chance) },
  // Buys without trying.
  { share: 8, live: (chance) => ({ ...paying(chance), moves: [{ day: chance.whole(2, 45), move: 'buy' }] }) },
  // Goes over to a year.
  {
    share: 6,
    live: (chance) => {
      const life = buysAfterTrial(chance)
      return { ...life, moves: [...life.moves, { day: chance.whole(60, 150), move: 'yearly' }] }
    },
  },
  // Needs less than it thought.
  {
    share: 4,
    live: (chance) => {
      const life = buysAfterTrial(chance)
      const day = chance.whole(55, 200)
      return {
        ...life,
        appetite: chance.between(0.01, 0.06),
        people: 2,
        items: 0.1,
        moves: [...life.moves, { day, move: 'downgrade' }],
      }
    },
  },
  // Cancels; a few think better of it, or come back.
  {
    share: 8,
    live: (chance) => {
      const life = buysAfterTrial(chance)
      const day = chance.whole(45, 200)
      const after: Life['moves'] = chance.happens(0.2)
        ? [{ day: day + 2, move: 'stay' }]
        : chance.happens(0.35)
          ? [{ day: day + chance.whole(50, 110), move: 'buy' }]
          : []
      return { ...life, moves: [...life.moves, { day, move: chance.happens(0.2) ? 'leave' : 'cancel' }, ...after] }
    },
  },
  // Closes for a season.
  {
    share: 3,
    live: (chance) => {
      const life = buysAfterTrial(chance)
      const day = chance.whole(50, 130)
      return {
        ...life,
        moves: [...life.moves, { day, move: 'pause' }, { day: day + chance.whole(60, 120), move: 'resume' }],
      }
    },
  },
  // Pays, once it is reminded.
  { share: 3, live: (chance) => ({ ...buysAfterTrial(chance), payment: 'late' }) },
  // Stops paying.
  {
    share: 3,
    live: (chance) => ({ ...buysAfterTrial(chance), payment: { stopsAfter: chance.pick([1, 1, 2, 4, 6]) } }),
  },
]

const all = kinds.reduce((sum, { share }) => sum + share, 0)

/** Every kind has its share also of few: the golden ratio spreads whole numbers evenly. */
export function makeUpLife(number: number, chance: Chance): Life {
  let left = ((number * 0.618_034 + 0.13) % 1) * all
  const kind = kinds.find(({ share }) => (left -= share) < 0) ?? kinds[0]
  return {
    moves: [],
    appetite: 0.3,
    pays: false,
    fades: null,
    payment: 'promptly',
    people: chance.whole(1, 3),
    items: chance.between(0.3, 1),
    ...kind?.live(chance),
  }
}

const paying = (chance: Chance) => ({
  // Most use little of what they pay for, some all of it.
  appetite: 0.05 + 1.1 * chance.between(0, 1) ** 2.2,
  pays: true,
  people: chance.whole(2, 8),
  payment: chance.happens(0.16) ? ('late' as const) : ('promptly' as const),
})

function buysAfterTrial(chance: Chance) {
  const tries = chance.whole(0, 20)
  const moves: Life['moves'] = [
    { day: tries, move: 'try' },
    { day: tries + chance.whole(5, 13), move: 'buy' },
  ]
  return { ...paying(chance), moves }
}

/** How much of its appetite a business has on its day, before the week and the weather are reckoned in. */
export function appetiteOn(day: number, { appetite, fades }: Pick<Life, 'appetite' | 'fades'>): number {
  const grown = 1 - 0.85 * Math.exp(-day / 35)
  const left = fades === null || day <= fades ? 1 : Math.exp(-(day - fades) / 9)
  return appetite * grown * (left < 0.05 ? 0 : left)
}
