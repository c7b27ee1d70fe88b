/**
 * The token a mailed link brought along, in the part of the address that is sent to no server. Taken out of the address
 * before anything else runs: it must not stay in the history, nor be seen over a shoulder. Kept in memory only.
 */
const taken = /^#token=([\w.-]+)$/.exec(location.hash)?.[1]
if (taken !== undefined) history.replaceState(history.state, '', location.pathname + location.search)

// A link that is opened in a page that is already here changes nothing but the fragment.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) location.reload()
})

let token = taken

export const arrivedWith = {
  get token() {
    return token
  },
  /** From a sign-in with a provider, which left this page and came back. */
  comeBack: (invitationToken: string) => {
    token = invitationToken
  },
  /** Once it has done what it is for. */
  forget: () => {
    token = undefined
  },
}
