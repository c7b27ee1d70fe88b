import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import type { Entitlements } from '../product-names.ts'
import { readUsage, type Standing, type Usage } from './counters.ts'

/** What a business may use now of every feature, and how much of it is taken. */
export async function currentEntitlements(db: Queryable, ctx: Context, standing: Standing): Promise<Entitlements> {
  const usage = await readUsage(db, ctx, standing, Object.keys(ctx.product.features))
  return Object.fromEntries(Object.entries(usage).map(([name, each]) => [name, present(each)])) as Entitlements
}

function present(usage: Usage) {
  const { kind, source, value, ceiling: limit, used, held, resetsAt } = usage
  if (kind === 'switch') return { kind, source, enabled: value === true }
  if (kind === 'value') return { kind, source, value: Number(value) }
  return { kind, source, limit, used, remaining: limit === null ? null : Math.max(0, limit - used - held), resetsAt }
}
