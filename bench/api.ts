import { serve } from './serving.ts'

/** The process under load: our whole server as it is published. */
const { freehold, server } = await serve()

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
})
process.once('disconnect', () => {
  void server
    .close()
    .then(() => freehold.close())
    .then(() => process.exit(0))
})
