/**
 * What a provider sent along when it led back here. Like the token of a mailed link it is taken out of the address before
 * anything else runs, kept in memory only, and good for one use.
 */
const query = /\/sign-in\/\w+$/.test(location.pathname) ? new URLSearchParams(location.search) : new URLSearchParams()
const code = query.get('code')
const state = query.get('state')
const error = query.get('error')
if (code !== null || error !== null) history.replaceState(history.state, '', location.pathname)

type ProviderAnswer = { code: string; state: string }

export const providerAnswer: {
  given: ProviderAnswer | undefined
  /** Whoever sat there changed their mind: nothing went wrong. */
  isDenied: boolean
} = {
  given: code === null || state === null ? undefined : { code, state },
  isDenied: error === 'access_denied',
}
