import Fastify from 'fastify'
import pg from 'pg'
import { hashToken } from '../server/src/secrets.ts'

/**
 * What the gate is compared with, in a process of its own: a bare route with the same body and answer, and the plain
 * handler of a careful team with one good statement a request.
 */
const database = process.argv[2] ?? ''

const body = {
  type: 'object',
  additionalProperties: false,
  required: ['feature'],
  properties: {
    permission: { type: 'string' },
    feature: { type: 'string' },
    amount: { type: 'integer', minimum: 1 },
    idempotencyKey: { type: 'string' },
  },
}
const answer = {
  type: 'object',
  properties: {
    allowed: { type: 'boolean' },
    code: { type: ['string', 'null'] },
    limit: { type: ['integer', 'null'] },
    used: { type: ['integer', 'null'] },
    remaining: { type: ['integer', 'null'] },
    resetsAt: { type: ['string', 'null'] },
    requestId: { type: 'string' },
  },
}
const schema = { body, response: { 200: answer } }

const peers = Fastify()
peers.post('/bare', { schema }, async (request) => ({
  allowed: true,
  code: null,
  limit: null,
  used: 1,
  remaining: null,
  resetsAt: '2027-01-01T00:00:00.000Z',
  requestId: request.id,
}))

// Looks the key up, checks the subscription and the limit, and counts, in one statement that is prepared once.
const pool = new pg.Pool({ connectionString: database, max: 20 })
const plain = `
update freehold.usage_counters c
set used = c.used + $4
from freehold.api_keys k
join freehold.subscriptions s on s.business_id = k.business_id and s.status = 'active' and s.cycle_end > $3
where k.business_id = $1
  and k.hash = $2
  and k.revoked_at is null
  and c.business_id = k.business_id
  and c.feature = $5
  and c.period_start <= $3
  and c.period_end > $3
  and (c.ceiling is null or c.used + $4 <= c.ceiling)
returning c.used, c.ceiling, c.period_end`
peers.post<{ Body: { feature: string; amount?: number } }>('/plain', { schema }, async (request, reply) => {
  const key = request.headers.authorization?.slice(7) ?? ''
  const businessId = `biz_${key.slice(3, 29)}`
  const { feature, amount = 1 } = request.body
  const { rows } = await pool.query<{ used: string; ceiling: string | null; period_end: Date }>({
    name: 'plain',
    text: plain,
    values: [businessId, hashToken(key), new Date(), amount, feature],
  })
  const [row] = rows
  if (!row) return reply.code(402).send({ allowed: false, code: 'limit_reached' })
  return {
    allowed: true,
    code: null,
    limit: null,
    used: Number(row.used),
    remaining: null,
    resetsAt: row.period_end.toISOString(),
    requestId: request.id,
  }
})

await peers.listen({ port: 0, host: '127.0.0.1' })
process.send?.((peers.server.address() as { port: number }).port)

process.on('message', (message) => {
  if (message === 'state') process.send?.({ rss: process.memoryUsage().rss, queries: 0 })
})
process.once('disconnect', () => {
  void peers
    .close()
    .then(() => pool.end())
    .then(() => process.exit(0))
})
