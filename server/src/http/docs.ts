import Fastify from 'fastify'
import type { App } from './request.ts'

/** What the reference page needs beyond the policy of everything else; its page starts with an inline script. */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "frame-ancestors 'none'",
].join('; ')

/** GET /openapi.json and the reference at /docs: public, and no part of the contract they describe. */
export async function docs(app: App): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, hide: true }
  })
  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  )

  let reference: ReturnType<typeof openReference> | undefined
  for (const url of ['/docs', '/docs/', '/docs/js/scalar.js']) {
    app.get(url, async (_request, reply) => {
      const answer = await (await (reference ??= openReference())).inject(url)
      for (const name of ['content-type', 'location']) {
        const value = answer.headers[name]
        if (value !== undefined) reply.header(name, value)
      }
      return reply.header('content-security-policy', policy).code(answer.statusCode).send(answer.rawPayload)
    })
  }
}

/** In a small server of its own, which may be made late: the page is several megabytes that most processes never show. */
async function openReference() {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  const app = Fastify()
  await app.register(reference, {
    routePrefix: '/docs',
    configuration: { url: '/openapi.json', hideClientButton: true, telemetry: false, withDefaultFonts: false },
  })
  return app
}
