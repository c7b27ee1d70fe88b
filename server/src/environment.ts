import { isIP } from 'node:net'
import { isSafeEndpoint, socialProviders, type SocialProvider, type SocialSignIn } from './social-providers.ts'

/** The only reader of process.env. Every problem is reported at once, each with its remedy. */

export type Environment = {
  production: boolean
  port: number
  host: string
  databaseUrl: string | undefined
  publicUrl: string
  smtpUrl: string | undefined
  mailFrom: string
  secret: string | undefined
  dataDir: string | undefined
  trustedProxies: string[]
  /** Undefined when nobody said: serving logs more than a command does. */
  logLevel: LogLevel | undefined
  rateLimits: boolean
  socialSignIn: SocialSignIn
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A configuration that cannot work: `problems` lists every one of them. */
export class ConfigurationError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/** Whether somebody is looking for a fault, and wants to see where it lies. Asked for environments that are wrong, too. */
export const isDebugging = (variables: Variables = process.env): boolean =>
  ['debug', 'trace'].includes(variables['LOG_LEVEL']?.trim() ?? '')

type Variables = Record<string, string | undefined>

/**
 * What a process does decides what a production must say: `database` only looks after the schema. An application may go
 * without SMTP_URL: its mails then wait, and say so.
 */
export function readEnvironment(
  variables: Variables = process.env,
  needs: 'everything' | 'application' | 'database' = 'everything',
): Environment {
  const problems: string[] = []
  const value = (name: string) => variables[name]?.trim() || undefined
  const production = value('NODE_ENV') === 'production'
  const complete = production && needs !== 'database'
  const mails = complete && needs === 'everything'

  const port = Number(value('PORT') ?? 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push('PORT must be a number from 0 to 65535')

  const url = (name: string, protocols: string[]) => {
    const text = value(name)
    if (text === undefined) return undefined
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      problems.push(`${name} must be a URL that starts with ${protocols.map((each) => `${each}//`).join(' or ')}`)
    }
    return text
  }
  const databaseUrl = url('DATABASE_URL', ['postgres:', 'postgresql:'])
  const smtpUrl = url('SMTP_URL', ['smtp:', 'smtps:'])
  const publicUrl = url('PUBLIC_URL', ['http:', 'https:'])
  const secret = value('SECRET')
  const mailFrom = value('MAIL_FROM')

  if (secret !== undefined && secret.length < 32) problems.push('SECRET must have at least 32 characters')
  if (complete && secret === undefined) problems.push('SECRET is required in production: openssl rand -base64 32')
  if (complete && publicUrl === undefined) {
    problems.push('PUBLIC_URL is required in production: links in mails start with it')
  }
  if (mails && smtpUrl === undefined) {
    problems.push(
      'SMTP_URL is required in production: nobody proves an e-mail, joins or resets a password without mail, ' +
        'such as smtp://user:password@host:587',
    )
  }
  if (complete && (mails || smtpUrl !== undefined) && mailFrom === undefined) {
    problems.push('MAIL_FROM is required in production: the address mails come from')
  }

  if (mailFrom !== undefined && !/^([^<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/.test(mailFrom)) {
    problems.push('MAIL_FROM must be an address, such as "Acme <hello@acme.example>"')
  }
  const trustedProxies = (value('TRUSTED_PROXIES') ?? '').split(',').flatMap((each) => each.trim() || [])
  for (const each of trustedProxies.filter((proxy) => !isAddressOrRange(proxy))) {
    problems.push(`TRUSTED_PROXIES must be addresses or ranges, such as 10.0.0.0/8, and ${each} is neither`)
  }

  const logLevel = value('LOG_LEVEL') as LogLevel | undefined
  if (logLevel !== undefined && !logLevels.includes(logLevel))
    problems.push(`LOG_LEVEL must be one of ${logLevels.join(', ')}`)

  const rateLimits = value('RATE_LIMITS') ?? 'on'
  if (rateLimits !== 'on' && rateLimits !== 'off') problems.push('RATE_LIMITS must be on or off')
  if (production && rateLimits === 'off') problems.push('RATE_LIMITS=off is for development and tests only')

  const client = (provider: SocialProvider) => {
    const names = ['CLIENT_ID', 'CLIENT_SECRET'].map((part) => `${provider.toUpperCase()}_${part}`)
    const [clientId, clientSecret] = names.map(value)
    if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret }
    if (clientId !== undefined || clientSecret !== undefined) {
      problems.push(`Sign-in with ${socialProviders[provider]} needs both ${names.join(' and ')}, or neither`)
    }
    return undefined
  }
  const google = client('google')
  const github = client('github')
  const githubUrl = value('GITHUB_URL')
  if (githubUrl !== undefined && !isSafeEndpoint(githubUrl)) {
    problems.push('GITHUB_URL must be the https:// address of a GitHub Enterprise server')
  }

  if (problems.length > 0) throw new ConfigurationError(problems)
  return {
    production,
    port,
    host: value('HOST') ?? (production ? '0.0.0.0' : '127.0.0.1'),
    databaseUrl,
    publicUrl: (publicUrl ?? `http://localhost:${port}`).replace(/\/+$/, ''),
    smtpUrl,
    mailFrom: mailFrom ?? 'Freehold <freehold@localhost>',
    secret,
    dataDir: value('DATA_DIR'),
    trustedProxies,
    logLevel,
    rateLimits: rateLimits === 'on',
    socialSignIn: {
      ...(google ? { google } : {}),
      ...(github ? { github: githubUrl === undefined ? github : { ...github, url: githubUrl } } : {}),
    },
  }
}

// The names of ranges are Fastify's.
function isAddressOrRange(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address = '', length] = text.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  return family !== 0 && (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= longest))
}

const librarySettings = ['NODE_ENV', 'SECRET', 'PUBLIC_URL', 'SMTP_URL', 'MAIL_FROM', 'DATA_DIR']

/** What an application that mounts Freehold did not say itself; the rest of the environment is the application's. */
export function readLibraryEnvironment(
  said: Variables,
  variables: Variables = process.env,
): Omit<Environment, 'mailFrom'> & { mailFrom: string | undefined } {
  const settings = Object.fromEntries(librarySettings.map((name) => [name, said[name] ?? variables[name]]))
  return { ...readEnvironment(settings, 'application'), mailFrom: settings['MAIL_FROM'] }
}
