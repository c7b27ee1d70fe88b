import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyRequest,
  type onRequestHookHandler,
  type preHandlerHookHandler,
} from 'fastify'
import type { Context } from '../context.ts'
import { shareNamedSchemas } from './components.ts'
import { routeContract } from './contract.ts'
import { docs } from './docs.ts'
import { answerHeaders } from './headers.ts'
import { acceptJsonOnly } from './json-body.ts'
import { noteMethods } from './methods.ts'
import { describeRoutes } from './openapi.ts'
import { clientProblem, handleError, noSuchRoute } from './problem.ts'
import type { App, Routes } from './request.ts'
import { successStatus } from './status.ts'
import { serializerCompiler, validatorCompiler } from './compilers.ts'
import { web, type Web } from '../pages/pages.ts'

// Publishable keys are used from any page; cookies never are, so credentials are never allowed.
const foreignPages = {
  origin: '*',
  credentials: false,
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
  exposedHeaders: ['x-request-id', 'retry-after'],
  maxAge: 600,
  // An OPTIONS that is no preflight is answered all the same.
  strictPreflight: false,
}

export type ServerParts = {
  ctx: Context
  routes: Routes[]
  /** Authentication and access, in order, before a body is even read. */
  onRequest: onRequestHookHandler[]
  /** For routes that declare to be limited. It needs the validated body: some limits go by e-mail. */
  limit?: preHandlerHookHandler | undefined
  /** The portal and the console; a product may have pages of its own instead. */
  web?: Web | undefined
}

/** Everything Freehold answers, as one Fastify plugin; a product registers it in its own server. */
export function freeholdPlugin({ ctx, routes, onRequest, limit, web: pages }: ServerParts): FastifyPluginAsync {
  return async (instance) => {
    const app = instance as unknown as App
    app.decorateRequest('freehold', null as never)
    app.setValidatorCompiler(validatorCompiler() as never)
    app.setSerializerCompiler(serializerCompiler(instance) as never)
    app.setErrorHandler(handleError)
    acceptJsonOnly(instance)

    // First of all hooks: whatever answers after it, a preflight too, answers with these.
    const setHeaders = answerHeaders(ctx.settings)
    app.addHook('onRequest', (_request, reply, done) => {
      setHeaders(reply)
      done()
    })
    // An application that reads cookies, or answers foreign pages, does so for the routes in it too: each only once.
    if (!app.hasDecorator('parseCookie')) await app.register(cookie, { hook: false })
    if (!app.hasRequestDecorator('corsPreflightEnabled')) await app.register(cors, foreignPages)

    await describeRoutes(app, ctx)
    app.addHook('onRoute', shareNamedSchemas(app))
    await app.register(docs)
    if (pages) await instance.register(web, { ctx, ...pages })

    app.addHook('onRoute', routeContract(ctx))
    app.addHook('onRoute', successStatus)
    app.addHook('onRoute', (route) => {
      if (limit && route.config?.limited) route.preHandler = [limit, ...[route.preHandler ?? []].flat()]
    })
    // The hooks of every request call back at once where they can: a promise each would cost more than what they do.
    app.addHook('onRequest', (request, _reply, done) => {
      request.freehold = { ctx, actor: undefined, credential: undefined, business: undefined }
      done()
    })
    for (const hook of onRequest) app.addHook('onRequest', hook)
    // Without a body, what is missing in it is named field by field, and where nothing is required nothing is missing.
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {}
      done()
    })

    for (const register of routes) register(app, ctx)
  }
}

/** A server of its own around the plugin. */
export async function buildServer(parts: ServerParts, trustedProxies: string[] = []): Promise<FastifyInstance> {
  const { ctx } = parts
  const setHeaders = answerHeaders(ctx.settings)
  // Named by its own type: a server typed by pino's would fit no plugin.
  const loggerInstance: FastifyBaseLogger = ctx.log
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    // Log lines name the request themselves: a logger for each request costs more than the line.
    childLoggerFactory: (logger) => logger,
    genReqId: () => ctx.newId('request'),
    requestIdHeader: false,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false, caseSensitive: true },
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // What can be read can be asked for without its body (RFC 9110 §9.3.2): monitors do.
    exposeHeadRoutes: true,
    // A URL that cannot be decoded, or an id of more than 200 characters, is not found like any other.
    frameworkErrors: (_error, request, reply) => {
      setHeaders(reply)
      return noSuchRoute(request, reply)
    },
    clientErrorHandler: (error, socket) => clientProblem(error, socket, ctx),
  })
  noteMethods(app)
  // What no plugin route answers still answers in the same shape.
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(noSuchRoute)
  // Nor is a body read that is for no route; the plugin has a parser of its own.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async () => undefined)
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) setHeaders(reply)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    done()
    if (!ctx.log.isLevelEnabled('info')) return
    // The route's pattern, never the URL itself: a query may hold what does not belong into a log.
    ctx.log.info(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        actor: request.freehold?.actor?.id,
        business: request.freehold?.business?.id,
      },
      'request',
    )
  })
  letGoWhenClosing(app)
  await app.register(freeholdPlugin(parts))
  return app
}

/**
 * Closing waits for what runs, and for nobody else: of a request that is not here yet nothing has been done, so its
 * connection is dropped after a moment instead of when it times out.
 */
function letGoWhenClosing(app: FastifyInstance): void {
  const running = new Set<FastifyRequest>()
  let isClosing = false
  const letGo = () => {
    if (isClosing && running.size === 0) setTimeout(() => running.size === 0 && app.server.closeAllConnections(), 500)
  }
  app.addHook('preValidation', (request, _reply, done) => {
    running.add(request)
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (running.delete(request)) letGo()
    done()
  })
  app.addHook('preClose', async () => {
    isClosing = true
    letGo()
  })
  // Whoever is answered now must let go of the connection, or it would be waited for.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close')
    done()
  })
}
