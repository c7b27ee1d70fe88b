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

  const { default: reference } = await import('@scalar/fastify-api-reference')
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', policy)
  })
  await app.register(reference, {
    routePrefix: '/docs',
    configuration: { url: '/openapi.json', hideClientButton: true, telemetry: false, withDefaultFonts: false },
  })
}
