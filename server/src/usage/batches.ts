/**
 * Gathers what is asked at the same time into one run. While runs are under way, requests wait and form the next; an
 * idle process answers the first at once. So the size of a run follows the load, and nothing waits on a timer.
 */
export type Batches<Request, Result> = (request: Request) => Promise<Result>

export type Waiting<Request, Result> = {
  request: Request
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

export function createBatches<Request, Result>(options: {
  /** How many requests one run takes at most. */
  size: number
  /** How many runs may be under way at once. */
  concurrency: number
  /** Answers every request it is given, by resolving or rejecting it. */
  run: (waiting: Waiting<Request, Result>[]) => Promise<void>
}): { ask: Batches<Request, Result>; again: (waiting: Waiting<Request, Result>[]) => void } {
  let queue: Waiting<Request, Result>[] = []
  let running = 0
  let scheduled = false

  const start = () => {
    scheduled = false
    while (queue.length > 0 && running < options.concurrency) {
      const batch = queue.length <= options.size ? queue : queue.slice(0, options.size)
      queue = queue.length <= options.size ? [] : queue.slice(options.size)
      running += 1
      void options.run(batch).then(finished, (error: unknown) => {
        for (const { reject } of batch) reject(error)
        finished()
      })
    }
  }
  const finished = () => {
    running -= 1
    start()
  }
  // After the sockets that are readable now have been read, so that what arrived together travels together.
  const schedule = () => {
    if (scheduled || running >= options.concurrency) return
    scheduled = true
    setImmediate(start)
  }
  return {
    ask: (request) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ request, resolve, reject })
        schedule()
      }),
    again: (waiting) => {
      queue.unshift(...waiting)
      schedule()
    },
  }
}

/**
 * Looks things up together with whoever else asks at the same time; nothing is remembered. `load` answers in the order
 * asked, and with an Error what has no answer.
 */
export function lookUpTogether<Request, Result>(
  load: (requests: Request[]) => Promise<(Result | Error)[]>,
): Batches<Request, Result> {
  const { ask } = createBatches<Request, Result>({
    size: 512,
    concurrency: 2,
    run: async (waiting) => {
      const found = await load(waiting.map(({ request }) => request))
      waiting.forEach(({ resolve, reject }, index) => {
        const result = found[index] as Result | Error
        if (result instanceof Error) reject(result)
        else resolve(result)
      })
    },
  })
  return ask
}
