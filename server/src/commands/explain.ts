import { check, type Subject } from '../access/gate.ts'
import { findDenial } from '../access/denials.ts'
import { explain as explainAnswer } from '../access/explain.ts'
import { presentDenial } from '../access/presenter.ts'
import type { Asked, Explanation, Remedy } from '../access/steps.ts'
import { systemActor, type Context } from '../context.ts'
import { command, UsageError, type Input } from './command.ts'
import { withContext } from './open.ts'
import { print, printJson } from './print.ts'

const declared = {
  business: { type: 'string', value: 'ID', about: 'Ask now, for this business' },
  feature: { type: 'string', value: 'NAME', about: 'What would be used' },
  permission: { type: 'string', value: 'NAME', about: 'What would be done' },
  as: { type: 'string', value: 'NAME', about: 'Who would do it: a role or a type of API key' },
  amount: { type: 'string', value: 'NUMBER', about: 'How many units (default: 1)' },
  json: { type: 'boolean', about: 'Print JSON' },
} as const

export const explain = command({
  positionals: ['[REQUEST_ID]'],
  options: declared,
  about:
    'Says step by step why the gate denied a request of the last 24 hours, or with --business what it would answer now: ' +
    'what each step saw, which one fails, and what would mend it. Counts nothing.',
  run: async (input) => {
    const question = asked(input)
    return withContext(input.config, async (ctx) => {
      const told = 'requestId' in question ? await ofDenial(ctx, question.requestId) : await now(ctx, question)
      if (input.options.json) printJson(told)
      else print(readable(told))
    })
  },
})

type Question = { business: string; feature?: string; permission?: string; as?: string; amount: number }

function asked({ options, positionals: [requestId] }: Input<typeof declared>): { requestId: string } | Question {
  const { business, amount = '1', json: _, ...rest } = options
  if (requestId !== undefined) {
    if (business !== undefined) throw new UsageError('Either REQUEST_ID or --business, not both')
    return { requestId }
  }
  if (business === undefined) throw new UsageError('REQUEST_ID or --business is missing')
  if (rest.feature === undefined && rest.permission === undefined) {
    throw new UsageError('--feature or --permission is missing')
  }
  const units = Number(amount)
  if (!Number.isSafeInteger(units) || units < 1) throw new UsageError('--amount must be a whole number from 1')
  return { business, ...rest, amount: units }
}

type Told = { requestId: string | null; at: Date; route: string; asked: object; code: string | null } & {
  explanation: Explanation
}

async function ofDenial(ctx: Context, requestId: string): Promise<Told> {
  const denial = await findDenial(ctx.db.across, ctx, requestId)
  if (denial) return presentDenial(denial, 'staff')
  throw new Error(
    `Nothing is known of ${requestId}: only denials are kept, for 24 hours, and of many at once only the first`,
  )
}

async function now(ctx: Context, { business: businessId, permission, feature, as, amount }: Question): Promise<Told> {
  const found = await ctx.db.across
    .selectFrom('businesses')
    .select('id')
    .where('id', '=', businessId)
    .executeTakeFirst()
  if (!found) throw new Error(`There is no business ${businessId}`)
  const subject = subjectAs(ctx, businessId, as)
  const requestId = ctx.newId('request')
  const at = ctx.now()
  const answer = await check(ctx, subject, { permission, feature, amount, requestId })
  const question: Asked = { requestId, at, route: '/v1/check', subject, permission, feature, amount, itemId: undefined }
  const explanation = await explainAnswer(ctx, question, answer, undefined)
  return {
    requestId: null,
    at,
    route: question.route,
    asked: { ...(as === undefined ? {} : { as }), permission, feature, amount },
    code: answer.code,
    explanation,
  }
}

/** Without a name the question is whether the business may, whoever asks. */
function subjectAs(ctx: Context, businessId: string, name: string | undefined): Subject {
  const actor = systemActor('command line')
  const subject = { businessId, credentialId: actor.id }
  if (name === undefined) return { ...subject, permissions: undefined, actor }
  const { roles, keys } = ctx.permissions
  if (Object.hasOwn(roles, name)) return { ...subject, permissions: roles[name], actor, role: name }
  if (Object.hasOwn(keys, name)) {
    return {
      ...subject,
      permissions: keys[name],
      actor: { kind: 'key', id: `any ${name}`, name, type: name, businessId },
    }
  }
  throw new Error(`--as must be a role or a key type: ${[...Object.keys(roles), ...Object.keys(keys)].join(', ')}`)
}

function readable({ requestId, at, route, asked, code, explanation: { steps } }: Told): string {
  const what = [requestId ?? 'now', at.toISOString(), `POST ${route}`, code ?? 'allowed'].join('  ')
  return [
    what,
    `asked: ${values(asked)}`,
    '',
    ...steps.flatMap(({ name, passed, saw, remedy }) => [
      (passed === null ? '-' : passed ? 'ok' : 'FAILED').padEnd(8) +
        `${name.padEnd(14)}${passed === null ? 'not reached' : values(saw)}`.trimEnd(),
      ...(remedy ? mending(remedy).map((line) => `${' '.repeat(8)}→ ${line}`) : []),
    ]),
  ].join('\n')
}

const mending = ({ text, page, call, staff }: Remedy): string[] => [
  text,
  ...(page === undefined ? [] : [`page ${page}`]),
  ...(call === undefined ? [] : [`call ${call}`]),
  ...(staff ? [`staff: page ${staff.page}, call ${staff.call}`] : []),
]

/** `kind: key, id: key_…`; what is nothing is left out, but for a limit, where it means something. */
function values(saw: object): string {
  return Object.entries(saw)
    .flatMap(([name, value]) => {
      if (value === null && (name === 'limit' || name === 'planValue')) return `${name}: unlimited`
      return value === null || value === undefined ? [] : `${name}: ${text(value)}`
    })
    .join(', ')
}

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join('; ')}]`
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' && value !== null ? `(${values(value)})` : String(value)
}
