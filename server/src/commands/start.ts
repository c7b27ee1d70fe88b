import type { AddressInfo } from 'node:net'
import type { Environment } from '../environment.ts'
import { command } from './command.ts'
import { invocation, openFreehold, withContext } from './open.ts'
import { print } from './print.ts'
import { runUntilEnded, type Running } from './stopping.ts'

export const start = command({
  options: {
    'no-worker': { type: 'boolean', about: 'Serve only; `freehold work` runs jobs and tasks elsewhere' },
    demo: { type: 'boolean', about: 'First fill an empty development database with a year of invented businesses' },
  },
  about:
    'Serves the product until it is told to end (Ctrl-C, SIGTERM): it then answers what it is working on and stops. ' +
    'Without DATABASE_URL it starts an embedded PostgreSQL. Any number of processes may serve one database.',
  run: async ({ options, config }) => {
    if (options.demo) await fill(config)
    return runUntilEnded(serve(config, !options['no-worker']))
  },
})

const fill = (config: string | undefined) =>
  withContext(config, async (ctx) => {
    const { fillWithDemo } = await import('../demo/demo.ts')
    await fillWithDemo(ctx, print)
  })

async function serve(config: string | undefined, worker: boolean): Promise<Running> {
  const { freehold, environment, log, close } = await openFreehold(config, { worker, portal: { basePath: '/' } })
  try {
    const server = await freehold.server()
    await server.listen({ port: environment.port, host: environment.host })
    const { port } = server.server.address() as AddressInfo
    // A port that the system chose (PORT=0) is known only now; nobody can have asked for a mail yet.
    const { settings } = freehold.ctx
    if (settings.publicUrl === 'http://localhost:0') settings.publicUrl = `http://localhost:${port}`
    // While nobody has asked for anything yet, so that the first to sign in does not wait for it.
    setTimeout(() => void import('../users/better-auth.ts').then(({ authLibrary }) => authLibrary()), 500).unref()
    announce(freehold.ctx.product.name, environment.production ? environment.publicUrl : `http://localhost:${port}`)
    return {
      log,
      close: async () => {
        await server.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw explainListening(error, environment)
  }

  function announce(product: string, base: string) {
    // Collectors read the logs of a production line by line, as JSON.
    if (environment.production) return log.info({ api: `${base}/v1`, reference: `${base}/docs` }, `${product} is ready`)
    print(
      [
        `\n${product} is ready`,
        `  Portal     ${base}/sign-up`,
        `  Console    ${base}/console`,
        `  API        ${base}/v1`,
        `  Reference  ${base}/docs`,
        `  Mailbox    ${base}/dev/mailbox`,
        `  Staff      ${invocation} staff add you@example.com\n`,
      ].join('\n'),
    )
  }
}

function explainListening(error: unknown, { port, host }: Environment): unknown {
  switch ((error as { code?: string }).code) {
    case 'EADDRINUSE':
      return new Error(`Port ${port} is in use: set PORT to a free one, such as PORT=${port + 1}`, { cause: error })
    case 'EACCES':
      return new Error(`Port ${port} is not for this user: set PORT to one above 1023`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`HOST=${host} is no address of this machine: 127.0.0.1 and 0.0.0.0 are`, { cause: error })
    default:
      return error
  }
}
