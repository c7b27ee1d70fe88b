import { pino } from 'pino'
import sessionRecorder from '../examples/session-recorder/freehold.config.ts'
import { createFreehold } from 'freehold'

/** The process under load: our whole server as it is published, and nothing beside it. */
const database = process.argv[2] ?? ''
const freehold = await createFreehold({
  product: sessionRecorder,
  database,
  secret: process.argv[3] ?? '',
  migrate: false,
  rateLimits: false,
  logger: pino({ level: 'silent' }),
})
const server = await freehold.server()
await server.listen({ port: 0, host: '127.0.0.1' })
process.send?.((server.server.address() as { port: number }).port)

let queries = 0
for (const each of [freehold.ctx.db.acrossPool, freehold.ctx.db.gatePool]) {
  const original = each.query.bind(each) as (...args: unknown[]) => unknown
  each.query = ((...args: unknown[]) => {
    queries += 1
    return original(...args)
  }) as typeof each.query
}
process.on('message', (message) => {
  if (message === 'state') {
    process.send?.({ rss: process.memoryUsage().rss, queries })
    queries = 0
  }
  if (message === 'stop') {
    void server
      .close()
      .then(() => freehold.close())
      .then(() => process.exit(0))
  }
})
