import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pino, type Logger } from 'pino'
import type { Context } from '../context.ts'
import { defaultDataDir, openEmbedded } from '../db/embedded.ts'
import { developmentSecret } from '../development-secret.ts'
import { ConfigurationError, readEnvironment, type Environment } from '../environment.ts'
import type { Freehold } from '../freehold.ts'
import type { FreeholdOptions } from '../options.ts'
import { isProduct, type Product } from '../product.ts'
import { remark } from './print.ts'
import { insistently, signals } from './stopping.ts'

/** How one calls the command here: from its sources inside the repository, or from where npm installed it. */
export const invocation = import.meta.url.endsWith('.ts') ? 'npm run freehold --' : 'npx freehold'

/** The database a command works on: DATABASE_URL, or the embedded one of this project. */
export type Server = { url: string; close: () => Promise<void> }

export async function openServer(environment: Environment): Promise<Server> {
  if (environment.databaseUrl !== undefined) return { url: environment.databaseUrl, close: async () => {} }
  const { url, stop } = await openEmbedded({ dataDir: dataDirOf(environment), log: remark })
  return { url, close: stop }
}

/**
 * The same for a command that comes to an end by itself. One that is broken off before, by Ctrl-C or a signal, leaves the
 * embedded server too, which would otherwise go on for nobody.
 */
export async function openServerMeanwhile(environment: Environment): Promise<Server> {
  if (environment.databaseUrl !== undefined) return openServer(environment)
  const opening = openServer(environment)
  const breakOff = insistently(async () => {
    await opening.then(({ close }) => close()).catch(() => {})
    process.exit(1)
  })
  const heed = () => breakOff(1)
  for (const signal of signals) process.on(signal, heed)
  const { url, close } = await opening
  return {
    url,
    close: async () => {
      await close()
      for (const signal of signals) process.off(signal, heed)
    },
  }
}

/** What a command that serves works with. Logs go to stdout, where collectors look for them. */
export async function openFreehold(config: string | undefined, parts: Pick<FreeholdOptions, 'worker' | 'portal'>) {
  const { environment, product, server } = await openProject(config, openServer)
  return closing(server, async () => {
    const { createFreehold } = await import('../freehold.ts')
    const log = openLog(environment.logLevel ?? 'info', process.stdout.fd)
    const options = { ...(await settings(environment, product, server, log)), ...parts }
    const freehold: Freehold = await createFreehold(options)
    const close = async () => {
      await freehold.close()
      await server.close()
    }
    return { freehold, environment, log, close }
  })
}

/** Gives `work` what a command needs beside a server that may be running: the database, and no worker of its own. */
export async function withContext<Result>(
  config: string | undefined,
  work: (ctx: Context) => Promise<Result>,
): Promise<Result> {
  const { environment, product, server } = await openProject(config, openServerMeanwhile)
  return closing(server, async () => {
    const { openContext } = await import('../open-context.ts')
    const log = openLog(environment.logLevel ?? 'warn', process.stderr.fd)
    const options = await settings(environment, product, server, log)
    const { ctx, close } = await openContext(options)
    const result = await work(ctx).finally(close)
    await server.close()
    return result
  })
}

/** Reads environment and definition, and starts the database meanwhile: both take their time. */
async function openProject(config: string | undefined, open: typeof openServer) {
  const problems: string[] = []
  const note = (error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error
    problems.push(...error.problems)
  }
  // Before there is a database: in a wrong folder, one should not be made.
  let environment: Environment | undefined
  let file: string | undefined
  try {
    environment = readEnvironment()
  } catch (error) {
    note(error)
  }
  try {
    file = findDefinition(config)
  } catch (error) {
    note(error)
  }
  if (!environment || file === undefined) {
    if (file !== undefined) await importDefinition(file).catch(note)
    throw new ConfigurationError(problems)
  }

  const [product, server] = await Promise.allSettled([importDefinition(file), open(environment)])
  if (product.status === 'fulfilled' && server.status === 'fulfilled') {
    return { environment, product: product.value, server: server.value }
  }
  if (server.status === 'fulfilled') await server.value.close()
  throw product.status === 'rejected' ? product.reason : (server as PromiseRejectedResult).reason
}

/** Leaves the database when the work on it fails; otherwise that is up to the work. */
async function closing<T>(server: Server, work: () => Promise<T>): Promise<T> {
  return work().catch(async (error: unknown) => {
    await server.close()
    throw error
  })
}

const configurationFiles = ['freehold.config.ts', 'freehold.config.js', 'freehold.config.mjs']

/** The product definition of a project: `--config FILE`, or freehold.config.ts in its folder. */
export const loadProduct = async (config: string | undefined): Promise<Product> =>
  importDefinition(findDefinition(config))

function findDefinition(config: string | undefined): string {
  const found = (config === undefined ? configurationFiles : [config]).find((file) => existsSync(resolve(file)))
  if (found !== undefined) return found
  throw new ConfigurationError([
    config === undefined
      ? `there is no ${configurationFiles[0]} in ${process.cwd()}: make one with defineProduct, or name it with --config`
      : `${config} does not exist: mend --config`,
  ])
}

async function importDefinition(file: string): Promise<Product> {
  const product = await import(pathToFileURL(resolve(file)).href).then(
    (module: { default?: unknown }) => module.default,
    (error: unknown) => {
      // By its content, not its class: the definition may have been made by another copy of this package.
      const { problems } = error as { problems?: string[] }
      if (Array.isArray(problems)) throw new ConfigurationError(problems)
      const said = error instanceof Error ? error.message : String(error)
      throw new Error(`${file} cannot be loaded: ${said}${placeOf(error)}`, { cause: error })
    },
  )
  if (isProduct(product)) return product
  throw new ConfigurationError([`${file} must export what defineProduct answers as its default`])
}

/** The line of the project that does not run, as far as Node says: of JavaScript that is no JavaScript it does not. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const [, place] = /^(\/.+:\d+)\n/.exec(stack) ?? /file:\/\/((?:(?!node_modules)\S)+:\d+):\d+/.exec(stack) ?? []
  if (place === undefined) return ''
  const here = relative(process.cwd(), place)
  return ` (${here.startsWith('..') ? place : here})`
}

async function settings(environment: Environment, product: Product, server: Server, logger: Logger) {
  const { publicUrl, production, smtpUrl, mailFrom, rateLimits, trustedProxies, socialSignIn } = environment
  return {
    product,
    database: server.url,
    secret: environment.secret ?? (await developmentSecret(dataDirOf(environment))),
    publicUrl,
    production,
    ...(smtpUrl === undefined ? {} : { smtpUrl }),
    mailFrom,
    rateLimits,
    trustedProxies,
    socialSignIn,
    logger,
  } satisfies FreeholdOptions
}

const openLog = (level: string, fileDescriptor: number): Logger =>
  pino(
    {
      level,
      redact: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token', '*.key', '*.secret'],
    },
    pino.destination({ dest: fileDescriptor, sync: true }),
  )

const dataDirOf = (environment: Environment) => environment.dataDir ?? defaultDataDir(process.cwd())
