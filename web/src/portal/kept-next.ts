/**
 * Where somebody wanted to go, while a mail is on its way to them. It stays in this browser: a mail carries no address that
 * a stranger may have chosen. Good for one sign-in, whosever that is.
 */
const key = 'freehold-next'

export const keptNext = {
  /** In place of what an earlier mail was asked for with. */
  keep: (next: string | undefined) =>
    withStorage((storage) => (next === undefined ? storage.removeItem(key) : storage.setItem(key, next))),
  take: (): string | undefined => {
    const next = withStorage((storage) => storage.getItem(key)) ?? undefined
    keptNext.keep(undefined)
    return next
  },
}

/** Where a browser keeps nothing, nothing is kept: it does so by throwing. */
function withStorage<Result>(use: (storage: Storage) => Result): Result | undefined {
  try {
    return use(localStorage)
  } catch {
    return undefined
  }
}
