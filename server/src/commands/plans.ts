import { createInterface } from 'node:readline/promises'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { decimalOf } from '../invoices/money.ts'
import { comparePlans, pushPlans, type PlanComparison } from '../plans/definition.ts'
import type { Existing } from '../plans/moves.ts'
import type { Price } from '../prices.ts'
import { command, UsageError } from './command.ts'
import { withContext } from './open.ts'
import { plural, print, printJson, remark } from './print.ts'

const operator = systemActor('command line')

const upToDate = 'The plans in the database are as defined'

export const diff = command({
  options: { json: { type: 'boolean', about: 'Print JSON' } },
  about:
    'Compares the plans of the definition with the current versions in the database: what is new, what changed, how many ' +
    'businesses are on the plan that changed, which of them use more than the definition allows, and what of it would be ' +
    'frozen. Changes nothing.',
  run: ({ options, config }) =>
    withContext(config, async (ctx) => {
      const plans = await acrossBusinesses(ctx.db, (tx) => comparePlans(tx, ctx))
      if (options.json) return printJson({ plans })
      print(describe(plans))
    }),
})

export const push = command({
  options: {
    yes: { type: 'boolean', about: 'Write without asking' },
    existing: {
      type: 'string',
      value: 'keep|renewal|now',
      about: 'What becomes of the subscriptions there are (default: keep)',
    },
    json: { type: 'boolean', about: 'Print JSON' },
  },
  about:
    'Shows what `plans diff` shows and writes it: new plans, and new versions of those that changed. New subscriptions get ' +
    'the new versions. Existing ones keep theirs, or a worker moves them: at their renewal, or now.',
  run: ({ options, config }) =>
    withContext(config, async (ctx) => {
      const existing = existingNamed(options.existing)
      const shown = options.yes ? undefined : await acrossBusinesses(ctx.db, (tx) => comparePlans(tx, ctx))
      if (shown && !(await isAgreedTo(shown, existing))) return 1
      const plans = await acrossBusinesses(ctx.db, (tx) => pushPlans(tx, ctx, operator, existing, shown))
      if (options.json) return printJson({ plans })
      if (options.yes) print(describe(plans, existing))
      const written = plans.filter(isDifferent)
      if (written.length > 0) print(`Written: ${written.map(({ plan }) => plan).join(', ')}`)
    }),
})

const isDifferent = ({ state }: PlanComparison) => state === 'new' || state === 'changed'

function existingNamed(name = 'keep'): Existing {
  const known: Record<string, Existing> = { keep: 'keep', renewal: 'atRenewal', now: 'now' }
  const existing = Object.hasOwn(known, name) ? known[name] : undefined
  if (!existing) throw new UsageError('--existing must be keep, renewal or now')
  return existing
}

async function isAgreedTo(plans: PlanComparison[], existing: Existing): Promise<boolean> {
  remark(describe(plans, existing))
  if (!plans.some(isDifferent)) return true
  if (!process.stdin.isTTY) {
    remark('\nNothing is written: repeat with --yes')
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('\nWrite this? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

function describe(plans: PlanComparison[], existing: Existing = 'keep'): string {
  const texts = plans.flatMap((plan) => (plan.state === 'same' ? [] : describePlan(plan, existing)))
  return plans.some(isDifferent) ? texts.join('\n\n') : [...texts, upToDate].join('\n\n')
}

function describePlan(
  { plan, state, version, subscriptions, changes, exceeding }: PlanComparison,
  existing: Existing,
): string {
  const businesses = plural(subscriptions, 'business', 'businesses')
  if (state === 'not_defined') return `${plan}: in the database only, with ${businesses}; it is left alone`
  if (state === 'new')
    return [`${plan}: new`, ...changes.map(({ field, to }) => `  ${field}  ${show(field, to)}`)].join('\n')
  return [
    `${plan}: changed from version ${version}; ${businesses} on the plan ${fate(existing, subscriptions)}`,
    ...changes.map(({ field, from, to }) => `  ${field}  ${show(field, from)} → ${show(field, to)}`),
    ...(exceeding.length > 0 ? [`  ${plural(exceeding.length, 'case')} above what it would allow:`] : []),
    ...exceeding.slice(0, shownCases).map(({ businessId, businessName, feature, used, limit, frozen }) => {
      const fate = frozen > 0 ? `, of which the newest ${frozen} would be frozen` : ''
      return `    ${businessName} (${businessId}): ${feature} ${used} of ${limit}${fate}`
    }),
    ...(exceeding.length > shownCases ? [`    and ${exceeding.length - shownCases} more: see --json`] : []),
  ].join('\n')
}

const shownCases = 20

const fate = (existing: Existing, count: number) => {
  if (existing === 'keep') return count === 1 ? 'keeps its version' : 'keep their versions'
  return `${count === 1 ? 'moves' : 'move'} ${existing === 'now' ? 'now' : 'with the next cycle'}`
}

function show(field: string, value: unknown): string {
  if (value === undefined) return 'not there'
  if (value === null) return field.startsWith('includes.') ? 'unlimited' : 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (!field.startsWith('prices.')) return JSON.stringify(value)
  const { amount, currency, interval } = value as Price
  const each = interval.count === 1 ? `per ${interval.unit}` : `every ${interval.count} ${interval.unit}s`
  return `${currency} ${decimalOf(amount, currency)} ${each}`
}
