/** Where people have an account already, by the name they know it under. */
export const socialProviders = { google: 'Google', github: 'GitHub' } as const

export type SocialProvider = keyof typeof socialProviders

/** What a provider gave the product when it was registered there, with `PUBLIC_URL/sign-in/google` to lead back to. */
type Client = { clientId: string; clientSecret: string }

/** With whom people may sign in. A provider that is left out does not exist: no button, no route. */
export type SocialSignIn = {
  /** `issuer` puts another OpenID provider in Google's place, such as one that a test runs. */
  google?: Client & { issuer?: string }
  /** `url` is a GitHub Enterprise server's. */
  github?: Client & { url?: string }
}

export const providersOf = (social: SocialSignIn): SocialProvider[] =>
  (Object.keys(socialProviders) as SocialProvider[]).filter((provider) => social[provider] !== undefined)

/** Whether secrets may be sent there: over TLS, or within this machine. */
export function isSafeEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}
