/** Parts of a path that are said as verbs: `POST /v1/invitations/:id/resend` is `resendInvitation`. */
const verbs = new Set(
  'signup login logout check consume allocate release confirm lookup accept resend rotate'.split(' '),
)

/** Where the path alone would say it oddly. */
const said: Record<string, string> = {
  'POST /v1/usage': 'reportUsage',
  'POST /v1/businesses/:businessId/reopening': 'reopenBusiness',
  'POST /v1/businesses/:businessId/ownership-transfer': 'transferOwnership',
  'POST /v1/businesses/:businessId/support-access/requests/:id': 'answerSupportRequest',
  'DELETE /v1/businesses/:businessId/support-access/sessions/:id': 'endSupportSession',
  'DELETE /v1/me/sessions/others': 'deleteMyOtherSessions',
  'POST /v1/me/two-factor/removal': 'removeMyTwoFactor',
  'POST /v1/login/social/:provider': 'startSocialLogin',
  'POST /v1/login/social/:provider/callback': 'finishSocialLogin',
  'POST /v1/dev/clock': 'moveDevClock',
}

const verbOf: Record<string, string> = { POST: 'create', PUT: 'set', PATCH: 'update', DELETE: 'delete' }

/**
 * A readable name for an operation, made from its route: `listMembers`, `updateMember`, `setSubscriptionPlan`,
 * `acceptInvitation`. The business in the path goes without saying.
 */
export function operationId(method: string, url: string): string {
  const known = said[`${method} ${url}`]
  if (known !== undefined) return known
  const parts = url.split('/').filter((part) => part !== '' && part !== 'v1')
  if (parts[0] === 'businesses' && parts.length > 2) parts.splice(0, 2)
  const names = parts.filter((part) => !part.startsWith(':'))
  const verb = names.find((name) => verbs.has(name))
  const isList = method === 'GET' && isPlural(parts.at(-1) ?? '')
  const nouns = names
    .filter((name) => name !== verb)
    .map((name, index, all) => {
      if (name === 'me' && all.length > 1) return 'my'
      return isList && index === all.length - 1 ? name : singular(name)
    })
  return camelCase([verb ?? (isList ? 'list' : (verbOf[method] ?? 'get')), ...nouns])
}

const isPlural = (name: string) => /[^s]s$/.test(name)

const singular = (name: string) =>
  isPlural(name)
    ? name
        .replace(/ies$/, 'y')
        .replace(/(ss)es$/, '$1')
        .replace(/([^s])s$/, '$1')
    : name

const camelCase = (words: string[]) =>
  words.join('-').replace(/[^a-zA-Z0-9]+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
