/** What the server writes into a page: enough to show it without asking, and nothing that is not public. */
export type PageData = {
  product: {
    name: string
    /** What a business is called here. */
    noun: string
    brand: { color: string | null; logoUrl: string | null }
    /** Each with what it may do: nobody gives a role that may do more than they may. */
    roles: Record<string, readonly string[]>
    keyTypes: Record<string, { prefix: string; publishable: boolean; permissions: readonly string[] }>
    features: Record<string, { kind: 'switch' | 'value' | 'allocated' | 'metered'; unit: string | null }>
    /** What the product wants to know of a business and of a person, as a form asks for it. */
    fields: Record<'business' | 'user', PageField[]>
    signup: { mode: 'open' | 'invite' | 'closed'; verifyEmail: 'after' | 'before' }
  }
  /** Below which path the page is, without a slash at the end: empty at the root. */
  basePath: string
  /** The same of the API. */
  apiPath: string
  /** With whom people may sign in. */
  socialSignIn: { id: 'google' | 'github'; name: string }[]
  /** Whether the request carried a session that is good: pages need not ask first. */
  signedIn: boolean
  development: boolean
  /** The domain's clock, which development and tests can move. */
  now: string
}

export type PageField = {
  name: string
  title: string | null
  hint: string | null
  kind: 'text' | 'number' | 'boolean' | 'choice'
  choices: string[]
  required: boolean
}
