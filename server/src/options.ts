import type { Logger } from 'pino'
import type pg from 'pg'
import { defaultDataDir } from './db/embedded.ts'
import { developmentSecret } from './development-secret.ts'
import { ConfigurationError, readLibraryEnvironment } from './environment.ts'
import type { PaymentProvider } from './invoices/provider.ts'
import type { ProductNames } from './product-names.ts'
import { isProduct, type TypedProduct } from './product.ts'
import { isSafeEndpoint, type SocialSignIn } from './social-providers.ts'

/** How Freehold is put into an application. What is left out comes from the environment, or has a default. */
export type FreeholdOptions<Names extends ProductNames = ProductNames> = {
  product: TypedProduct<Names>
  /** A connection string, or a pool of the application's whose settings are used for our own pools. */
  database: string | pg.Pool
  /**
   * Signs sessions and seals what is stored encrypted: at least 32 characters, the same in every process. Without it
   * SECRET of the environment, and in development one that is made and kept.
   */
  secret?: string
  /** Where links in mails lead; without it PUBLIC_URL. */
  publicUrl?: string
  /** Turns the movable clock and the mailbox off; without it whether NODE_ENV is production. */
  production?: boolean
  /** Without it SMTP_URL. */
  smtpUrl?: string
  /** Without it MAIL_FROM. */
  mailFrom?: string
  /**
   * Lets people sign in with Google or GitHub. Register `PUBLIC_URL/sign-in/google` and `PUBLIC_URL/sign-in/github`
   * there as the address that leads back.
   */
  socialSignIn?: SocialSignIn
  rateLimits?: boolean
  trustedProxies?: string[]
  /** Whether this process also runs jobs and tasks. */
  worker?: boolean
  /** Serves the portal at this path and the console below it, such as `{ basePath: '/' }`; without it neither. */
  portal?: { basePath: string }
  /** Takes money for invoices; without it payments are recorded as they come in. */
  payments?: PaymentProvider
  /** Whether to bring the schema up to date at start. */
  migrate?: boolean
  logger?: Logger
}

/** What the options leave open, from the environment. */
export async function complete<Names extends ProductNames>(options: FreeholdOptions<Names>): Promise<CompleteOptions> {
  const { product, production, secret, publicUrl, smtpUrl, mailFrom } = options
  const problems = problemsOf(options)
  if (problems.length > 0) throw new ConfigurationError(problems)
  const environment = readLibraryEnvironment({
    NODE_ENV: production === undefined ? undefined : production ? 'production' : 'development',
    SECRET: secret,
    PUBLIC_URL: publicUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: mailFrom,
  })
  return {
    ...options,
    production: environment.production,
    secret: environment.secret ?? (await developmentSecret(environment.dataDir ?? defaultDataDir(process.cwd()))),
    publicUrl: environment.publicUrl,
    ...(environment.smtpUrl === undefined ? {} : { smtpUrl: environment.smtpUrl }),
    mailFrom: environment.mailFrom ?? `${product.name} <freehold@localhost>`,
  }
}

/** What no environment can make good. */
function problemsOf({ product, database, portal, socialSignIn = {} }: Partial<FreeholdOptions>): string[] {
  const problems: string[] = []
  if (!isProduct(product)) problems.push('product: must be what defineProduct answers')
  const isConnectionString = typeof database === 'string' && /^postgres(ql)?:\/\//.test(database)
  if (!isConnectionString && typeof (database as Partial<pg.Pool> | undefined)?.connect !== 'function') {
    problems.push('database: must be a connection string that starts with postgres://, or a Pool of pg')
  }
  if (portal && !/^\/(?!\/)[\w~./-]*$/.test(portal.basePath)) {
    problems.push('portal.basePath: must be a path of letters, digits, - and _, such as / or /account')
  }
  for (const endpoint of [socialSignIn.google?.issuer, socialSignIn.github?.url]) {
    if (endpoint === undefined || isSafeEndpoint(endpoint)) continue
    problems.push(`socialSignIn: ${endpoint} must be an address that starts with https://`)
  }
  return problems
}

export type CompleteOptions = FreeholdOptions &
  Required<Pick<FreeholdOptions, 'secret' | 'production' | 'publicUrl' | 'mailFrom'>>
