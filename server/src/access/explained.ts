import type { FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { denials } from './denials.ts'
import { explainIfPossible } from './explain.ts'
import type { GateAnswer, Subject } from './gate.ts'
import { audienceOf, presentExplanation } from './presenter.ts'
import type { Asked } from './steps.ts'
import type { SubjectFields } from './subject.ts'

type Body = SubjectFields & {
  explain?: boolean
  permission?: string
  feature?: string
  amount?: number
  itemId?: string
}

/** Notes a denial for whoever asks about it later, and explains the answer to whoever asked for that. */
export async function explained<Answer extends GateAnswer>(
  ctx: Context,
  request: FastifyRequest,
  subject: Subject | undefined,
  body: Body,
  answer: Answer,
) {
  const { permission, feature, amount = 1, itemId } = body
  const route = request.routeOptions.url ?? ''
  const asked: Asked = { requestId: request.id, at: ctx.now(), route, subject, permission, feature, amount, itemId }
  const bearer = body.subject?.credential
  // The answer stands, and may have been counted: without its explanation rather than not at all.
  const explanation = body.explain === true ? await explainIfPossible(ctx, asked, answer, bearer) : undefined
  if (!answer.allowed) denials(ctx).note({ asked, answer, bearer, explanation })
  if (!explanation) return answer
  return { ...answer, explanation: presentExplanation(explanation, audienceOf(ctx, request.freehold.actor)) }
}
