import { Type } from 'typebox'
import type { Actor, Context } from '../context.ts'
import { Time } from '../http/schemas.ts'
import { nobody, type Denial } from './denials.ts'
import { stepNames, type Explanation, type Step } from './steps.ts'

const Open = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })

export const ExplanationBody = Type.Object(
  {
    steps: Type.Array(
      Type.Object({
        name: Type.Enum([...stepNames]),
        passed: Type.Unsafe<boolean | null>({
          type: ['boolean', 'null'],
          description: 'null where the gate never came to',
        }),
        saw: Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          additionalProperties: true,
          description: 'The values this step looked at',
        }),
        remedy: Type.Optional(
          Type.Object(
            {
              text: Type.String(),
              page: Type.Optional(Type.String({ description: 'Of the portal' })),
              call: Type.Optional(Type.String({ description: 'Method and path of a route' })),
              staff: Type.Optional(
                Type.Object(
                  { page: Type.String(), call: Type.String() },
                  { description: 'What only staff can do; shown to them and to app keys' },
                ),
              ),
            },
            { description: 'What would mend it, of the step that failed; a publishable key is not told' },
          ),
        ),
      }),
      { description: 'In the order of the gate' },
    ),
    failed: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'The name of a step' }),
  },
  { $id: 'Explanation' },
)

/**
 * Whoever runs the product sees everything; a business sees nothing that staff wrote for themselves. A publishable key is
 * in everybody's hands: they learn which step said no, and nothing that the answer does not say.
 */
export type Audience = 'staff' | 'business' | 'anybody'

export function audienceOf({ product }: Pick<Context, 'product'>, actor: Actor | undefined): Audience {
  if (actor?.kind === 'key') return product.keys[actor.type]?.publishable === false ? 'business' : 'anybody'
  const runsTheProduct = actor?.kind === 'app' || actor?.kind === 'staff' || (actor?.kind === 'user' && actor.staff)
  return runsTheProduct ? 'staff' : 'business'
}

export function presentExplanation({ steps, failed }: Explanation, audience: Audience) {
  if (audience === 'staff') return { steps, failed }
  if (audience === 'anybody') return { steps: steps.flatMap(withoutDetails), failed: publicName(failed) }
  return {
    steps: steps.map(({ saw, remedy, ...step }) => {
      const { staff: _, ...mending } = remedy ?? {}
      return {
        ...step,
        saw: withoutReasons(saw) as Record<string, unknown>,
        ...(remedy ? { remedy: { ...mending, text: remedy.text } } : {}),
      }
    }),
    failed,
  }
}

const publicFields: Partial<Record<Step['name'], readonly string[]>> = {
  credential: ['kind', 'state', 'type'],
  permission: ['asked', 'keyType'],
  feature: ['name'],
  counter: ['amount', 'itemId', 'used', 'limit'],
}

// That it was staff who switched a feature off, or what they gave, is between them and the business.
const publicName = (name: Step['name'] | null) => (name === 'override' ? 'feature' : name)

function withoutDetails({ name, passed, saw }: Step, _index: number, steps: Step[]): Step[] {
  if (name === 'override' || name === 'grants') return []
  const shown = publicFields[name] ?? []
  const isSwitchedOff = name === 'feature' && steps.some((step) => step.name === 'override' && step.passed === false)
  const fields = Object.entries(saw).filter(([field]) => shown.includes(field))
  return [{ name, passed: isSwitchedOff ? false : passed, saw: Object.fromEntries(fields) }]
}

function withoutReasons(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReasons)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (name === 'reason' ? [] : [[name, withoutReasons(each)]])),
  )
}

export const DenialBody = Type.Object(
  {
    requestId: Type.String(),
    at: Time,
    businessId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'null when the credential was of no business',
    }),
    route: Type.String(),
    asked: Open,
    code: Type.String(),
    explanation: ExplanationBody,
  },
  { $id: 'Denial' },
)

export const presentDenial = (denial: Denial, audience: Audience) => ({
  requestId: denial.requestId,
  at: denial.at,
  businessId: denial.businessId === nobody ? null : denial.businessId,
  route: denial.route,
  asked: denial.asked,
  code: denial.code,
  // Written by explanationOf; times have become text.
  explanation: presentExplanation(denial.explanation as Explanation, audience),
})
