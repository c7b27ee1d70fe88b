import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { handleError, noSuchRoute } from '../http/problem.ts'
import { randomText } from '../ids.ts'
import { providersOf, socialProviders } from '../social-providers.ts'
import { pagePolicy, productData, renderPage } from './page.ts'

export type Web = {
  /** Where the portal stands: `/` or a path like `/account`; the console is below it. */
  basePath: string
  /** Whether a request carries a session that is good. */
  isSignedIn: (request: FastifyRequest) => Promise<boolean>
}

// Beside the compiled server; from the sources, where the build puts it.
const built = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../web/', import.meta.url))

/** The portal at its path and the console below it, with what they load. Pages, and no part of the API's contract. */
export async function web(app: FastifyInstance, { ctx, basePath, isSignedIn }: Web & { ctx: Context }): Promise<void> {
  const base = basePath.replace(/\/+$/, '')
  const read = () => ({ portal: readPage('index.html'), console: readPage('console.html') })
  // Where there is none, starting says so.
  const pages = read()
  const product = productData(ctx.product, ctx.permissions)
  const socialSignIn = providersOf(ctx.settings.socialSignIn).map((id) => ({ id, name: socialProviders[id] }))

  // A folder, or a path that would lead out of ours, is nothing that went wrong here.
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    (error.statusCode ?? 500) < 500 ? noSuchRoute(request, reply) : handleError(error, request, reply),
  )
  await app.register(fastifyStatic, {
    root: `${built}assets`,
    prefix: `${base}/assets/`,
    decorateReply: false,
    index: false,
    // The name of a file changes with its content.
    immutable: true,
    maxAge: '1y',
    preCompressed: true,
    logLevel: 'warn',
  })

  // In development a build shows at once, without a restart.
  const current = () => (ctx.settings.production ? pages : read())
  const show = (page: keyof typeof pages) => async (request: FastifyRequest, reply: FastifyReply) => {
    if (!asksForPage(request, app.prefix + base)) return noSuchRoute(request, reply)
    const nonce = randomText(32)
    const { production } = ctx.settings
    const data = {
      product,
      basePath: app.prefix + base,
      apiPath: app.prefix,
      socialSignIn,
      signedIn: await isSignedIn(request),
      development: !production,
      now: ctx.now().toISOString(),
    }
    return reply
      .removeHeader('access-control-allow-origin')
      .headers({
        'content-security-policy': pagePolicy(ctx.product, nonce),
        // It says who is signed in, and to keep the nonce for a second page would spoil it.
        'cache-control': 'private, no-cache',
      })
      .type('text/html; charset=utf-8')
      .send(renderPage(current()[page], data, nonce))
  }
  const routes = { [`${base}/`]: 'portal', [`${base}/*`]: 'portal', [`${base}/console`]: 'console' } as const
  for (const [url, page] of [...Object.entries(routes), [`${base}/console/*`, 'console'] as const]) {
    app.get(url, { exposeHeadRoute: true, schema: { hide: true } }, show(page))
  }
  if (base !== '') app.get(base, { exposeHeadRoute: true, schema: { hide: true } }, show('portal'))
}

/** Programs that ask for an unknown path of the API, or for a file, are told so as everywhere. */
function asksForPage({ url, headers }: FastifyRequest, base: string): boolean {
  const path = url.slice(base.length)
  const isProgram = /^\/(v1|dev|docs|assets|openapi\.json|healthz|readyz)(?![\w-])/.test(path)
  return !isProgram && /text\/html/.test(headers.accept ?? '')
}

function readPage(name: string): string {
  try {
    return readFileSync(built + name, 'utf8')
  } catch (cause) {
    throw new Error('The portal is not built: run `npm run build -w web`, or leave the option `portal` out', { cause })
  }
}
