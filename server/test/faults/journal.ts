import { Agent, request } from 'node:http'
import { expect } from 'vitest'
import type { TestFreehold } from '../harness.ts'

/** What the client knows: what it sent under which key, and what was acknowledged. */
export type Journal = {
  /** Sends one consumption and notes how it ended; never throws. */
  send: (base: string, idempotencyKey: string) => Promise<'allowed' | 'refused' | 'unknown'>
  attempted: Set<string>
  acknowledged: Set<string>
  /** acknowledged ⊆ applied ⊆ attempted, and ledger = counter ≤ limit. */
  check: (freehold: Pick<TestFreehold, 'sql'>) => Promise<{ applied: number }>
}

export function openJournal(key: string, businessId: string): Journal {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const attempted = new Set<string>()
  const acknowledged = new Set<string>()

  const send: Journal['send'] = (base, idempotencyKey) => {
    attempted.add(idempotencyKey)
    return new Promise((resolve) => {
      const unknown = () => resolve('unknown')
      const outgoing = request(
        `${base}/v1/consume`,
        {
          method: 'POST',
          agent,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          timeout: 10_000,
        },
        (incoming) => {
          let text = ''
          incoming.setEncoding('utf8')
          incoming.on('data', (chunk: string) => (text += chunk))
          incoming.on('error', unknown)
          incoming.on('end', () => {
            if (incoming.statusCode !== 200 || !incoming.complete) return unknown()
            const { allowed } = JSON.parse(text) as { allowed: boolean }
            if (allowed) acknowledged.add(idempotencyKey)
            resolve(allowed ? 'allowed' : 'refused')
          })
        },
      )
      outgoing.on('error', unknown)
      outgoing.on('timeout', () => outgoing.destroy())
      outgoing.end(JSON.stringify({ feature: 'recordings', idempotencyKey }))
    })
  }

  const check: Journal['check'] = async (freehold) => {
    const rows = await freehold.sql<{ idempotency_key: string }>(
      "select idempotency_key from freehold.usage_entries where business_id = $1 and kind = 'consume'",
      [businessId],
    )
    const applied = rows.map((row) => row.idempotency_key)
    const distinct = new Set(applied)
    expect(distinct.size, 'no key is applied twice').toBe(applied.length)
    expect(
      [...acknowledged].filter((each) => !distinct.has(each)),
      'acknowledged but not applied',
    ).toEqual([])
    expect(
      applied.filter((each) => !attempted.has(each)),
      'applied but never sent',
    ).toEqual([])
    const counters = await freehold.sql<{ used: string; ceiling: string | null; ledger: string }>(
      `select c.used, c.ceiling, (
         select coalesce(sum(e.amount), 0) from freehold.usage_entries e
         where e.business_id = c.business_id and e.feature = c.feature and e.period_start = c.period_start
       ) as ledger
       from freehold.usage_counters c where c.business_id = $1`,
      [businessId],
    )
    for (const { used, ceiling, ledger } of counters) {
      expect(Number(used), 'the counter is the ledger').toBe(Number(ledger))
      if (ceiling !== null) expect(Number(used), 'never above the limit').toBeLessThanOrEqual(Number(ceiling))
    }
    return { applied: applied.length }
  }
  return { send, attempted, acknowledged, check }
}
