/** What GitHub needs that no standard says: it tells who somebody is, and which e-mails are theirs, by its own API. */

const patienceMilliseconds = 5000

/** Of github.com, or of a GitHub Enterprise server. */
export function githubEndpoints(url = 'https://github.com') {
  const base = url.replace(/\/+$/, '')
  return {
    authorizationUrl: `${base}/login/oauth/authorize`,
    tokenUrl: `${base}/login/oauth/access_token`,
    apiUrl: base === 'https://github.com' ? 'https://api.github.com' : `${base}/api/v3`,
  }
}

/** Null when the token is no good. Of the e-mails the primary one: others may be kept for a purpose. */
export async function githubProfile(apiUrl: string, accessToken: string | undefined) {
  if (accessToken === undefined) return null
  const [user, emails] = await Promise.all([
    get<{ id?: number; login?: string; name?: string | null }>(`${apiUrl}/user`, accessToken),
    get<{ email: string; primary: boolean; verified: boolean }[]>(`${apiUrl}/user/emails`, accessToken),
  ])
  const primary = emails?.find((each) => each.primary)
  if (!user?.id || !primary) return null
  return {
    id: String(user.id),
    name: user.name ?? '',
    email: primary.email,
    emailVerified: primary.verified,
  }
}

async function get<Body>(url: string, accessToken: string): Promise<Body | undefined> {
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/vnd.github+json',
      'user-agent': 'freehold',
    },
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMilliseconds),
  })
  return response.ok ? ((await response.json()) as Body) : undefined
}
