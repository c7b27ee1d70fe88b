/** Chance that comes out the same whenever it begins with the same seed. It decides what is made up, and no secret. */
export type Chance = {
  between: (least: number, most: number) => number
  /** Whole, both ends included. */
  whole: (least: number, most: number) => number
  happens: (probability: number) => boolean
  pick: <Item>(items: readonly Item[]) => Item
}

/** Mulberry32: 32 bits of state are plenty to make up names and days. */
export function seeded(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    between: (least, most) => least + next() * (most - least),
    whole,
    happens: (probability) => next() < probability,
    pick: (items) => {
      const picked = items[whole(0, items.length - 1)]
      if (picked === undefined) throw new RangeError('There is nothing to pick from')
      return picked
    },
  }
}
