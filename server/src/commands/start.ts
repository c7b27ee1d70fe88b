import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { randomBytes } from 'node:crypto'
import closeWithGrace from 'close-with-grace'
import { pino, type Logger } from 'pino'
import { defaultDataDir, openEmbedded } from '../db/embedded.ts'
import { ConfigurationError, readEnvironment, type Environment } from '../environment.ts'
import { createFreehold, type Freehold } from '../freehold.ts'
import type { Product } from '../product.ts'

const configurationFiles = ['freehold.config.ts', 'freehold.config.js', 'freehold.config.mjs']

/** The product definition of a project: `--config FILE`, or freehold.config.ts in its folder. */
export async function loadProduct(file?: string): Promise<Product> {
  const candidates = file === undefined ? configurationFiles : [file]
  for (const candidate of candidates) {
    const path = resolve(candidate)
    if (
      await readFile(path).then(
        () => true,
        () => false,
      )
    ) {
      const module = (await import(pathToFileURL(path).href)) as { default?: Product }
      if (!module.default) throw new ConfigurationError([`${candidate} must export the product as its default`])
      return module.default
    }
  }
  throw new ConfigurationError([
    file === undefined
      ? `there is no ${configurationFiles[0]} in ${process.cwd()}: make one with defineProduct, or name it with --config`
      : `${file} does not exist`,
  ])
}

export type Opened = { freehold: Freehold; environment: Environment; close: () => Promise<void> }

/** Opens the database a command works on: DATABASE_URL, or the embedded one of this project. */
export async function open(options: { config?: string; worker: boolean; logger?: Logger }): Promise<Opened> {
  const environment = readEnvironment()
  const product = await loadProduct(options.config)
  const dataDir = environment.dataDir ?? defaultDataDir(process.cwd())
  const embedded = environment.databaseUrl === undefined ? await openEmbedded({ dataDir }) : undefined
  const logger = options.logger ?? openLog(environment)
  try {
    const freehold = await createFreehold({
      product,
      database: environment.databaseUrl ?? embedded?.url ?? '',
      secret: environment.secret ?? (await developmentSecret(dataDir)),
      publicUrl: environment.publicUrl,
      production: environment.production,
      ...(environment.smtpUrl === undefined ? {} : { smtpUrl: environment.smtpUrl }),
      mailFrom: environment.mailFrom,
      rateLimits: environment.rateLimits,
      trustedProxies: environment.trustedProxies,
      worker: options.worker,
      logger,
    })
    const close = async () => {
      await freehold.close()
      await embedded?.stop()
    }
    return { freehold, environment, close }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

function openLog({ logLevel }: Environment): Logger {
  return pino({
    level: logLevel,
    redact: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token', '*.key', '*.secret'],
  })
}

/** Made once and kept beside the development database, so that sessions survive a restart. */
async function developmentSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret')
  await mkdir(dataDir, { recursive: true })
  await writeFile(path, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch(() => {})
  return readFile(path, 'utf8')
}

/** Serves the product, with the worker in the same process. */
export async function start(options: { config?: string; worker?: boolean }): Promise<void> {
  const { freehold, environment, close } = await open({ ...options, worker: options.worker ?? true })
  const server = await freehold.server()
  await server.listen({ port: environment.port, host: environment.host })
  const { port } = server.server.address() as { port: number }
  const base = environment.production ? environment.publicUrl : `http://localhost:${port}`
  process.stdout.write(
    [
      `${freehold.ctx.product.name} is ready`,
      `  API        ${base}/v1`,
      `  Reference  ${base}/docs`,
      ...(environment.production ? [] : [`  Mailbox    ${base}/dev/mailbox`]),
      '  Staff      npm run freehold -- staff add you@example.com',
      '',
    ].join('\n'),
  )
  closeWithGrace({ delay: 25_000, logger: false }, async () => {
    await server.close()
    await close()
  })
}
