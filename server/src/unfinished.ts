import { perContext } from './context.ts'

/** What goes on where nobody waits for it, such as after an answer; closing does, before it takes the database away. */
export type Unfinished = {
  /** Takes note of it until it has ended, and gives it back. What it throws is whoever's it was. */
  add: <T>(work: Promise<T>) => Promise<T>
  ended: () => Promise<void>
}

export const unfinished = perContext((): Unfinished => {
  const works = new Set<Promise<unknown>>()
  return {
    add: (work) => {
      const forget = () => void works.delete(work)
      works.add(work)
      work.then(forget, forget)
      return work
    },
    ended: async () => {
      while (works.size > 0) await Promise.allSettled(works)
    },
  }
})
