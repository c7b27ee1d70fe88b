import module from 'node:module'
import { pino } from 'pino'
import { createFreehold } from '../../src/freehold.ts'
import type { TypedProduct } from '../../src/product.ts'

/** Serves a product on the database it is given, tells its port, and waits to be killed. */
export async function serve(product: TypedProduct, database: string): Promise<void> {
  const freehold = await createFreehold({
    product,
    database,
    secret: 'a secret of at least thirty-two characters',
    migrate: false,
    rateLimits: false,
    logger: pino({ level: 'silent' }),
  })
  const server = await freehold.server()
  await server.listen({ port: 0, host: '127.0.0.1' })
  // Whoever is killed keeps nothing of what it compiled.
  module.flushCompileCache()
  // A test that was cut off kills nothing any more.
  process.once('disconnect', () => process.exit(1))
  process.send?.((server.server.address() as { port: number }).port)
}
