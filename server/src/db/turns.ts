import { FreeholdError } from '../errors.ts'

/** Runs `work` when it is its key's turn, or says `busy`. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>

type Line = { running: number; waiting: (() => void)[] }

/**
 * At most `together` run at once for a key, so that one whose work goes slowly keeps nobody else from theirs. The others
 * of the same key wait in order, at most `waiting` of them and each no longer than its patience.
 */
export function openTurns({
  together,
  waiting: longest,
  patienceMilliseconds,
}: {
  together: number
  waiting: number
  patienceMilliseconds: number
}): Turns {
  const lines = new Map<string, Line>()

  const turn = (line: Line): Promise<void> => {
    if (line.running < together) {
      line.running += 1
      return Promise.resolve()
    }
    if (line.waiting.length >= longest) return Promise.reject(busy())
    return new Promise((resolve, reject) => {
      const impatient = setTimeout(() => {
        line.waiting.splice(line.waiting.indexOf(called), 1)
        reject(busy())
      }, patienceMilliseconds)
      const called = () => {
        clearTimeout(impatient)
        resolve()
      }
      line.waiting.push(called)
    })
  }

  return async (key, work) => {
    const line = lines.get(key) ?? { running: 0, waiting: [] }
    lines.set(key, line)
    await turn(line)
    try {
      return await work()
    } finally {
      // Handed on, so that nobody who comes now gets in before those who wait.
      const next = line.waiting.shift()
      if (next) next()
      else if ((line.running -= 1) === 0) lines.delete(key)
    }
  }
}

const busy = () => new FreeholdError('busy', 'Too much is going on in this business', { retryAfterSeconds: 1 })
