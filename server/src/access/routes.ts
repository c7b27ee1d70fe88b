import { Type } from 'typebox'
import type { FastifyRequest } from 'fastify'
import { FreeholdError } from '../errors.ts'
import { idempotencyKey as headerKey } from '../http/idempotency.ts'
import { instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import {
  Amount,
  closed,
  FeatureName,
  Id,
  OptionalInteger,
  OptionalText,
  OptionalTime,
  path,
  Time,
} from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { releaseReservation } from '../usage/reservations.ts'
import {
  allocate,
  check,
  confirm,
  consumeUnits,
  onlyLooks,
  release,
  reserve,
  type Ask,
  type GateAnswer,
  type Subject,
} from './gate.ts'
import { explained } from './explained.ts'
import { ExplanationBody } from './presenter.ts'
import { isDenial } from './steps.ts'
import { subjectOf, type SubjectFields } from './subject.ts'

const answerFields = {
  allowed: Type.Boolean(),
  code: Type.Unsafe<GateAnswer['code']>({
    type: ['string', 'null'],
    description: 'null when allowed, otherwise why not',
  }),
  limit: OptionalInteger,
  used: OptionalInteger,
  remaining: OptionalInteger,
  resetsAt: OptionalTime,
  requestId: Type.String(),
}
/** Of items that are held one by one, where what does not fit is frozen. */
const itemFields = {
  frozenAt: Type.Optional(
    Type.Unsafe<Date>({ ...Time, description: 'The item is held, and frozen since then: it does not fit the limit' }),
  ),
  thawed: Type.Optional(Type.Array(Type.String(), { description: 'Frozen items that the release has made room for' })),
}
const Answer = Type.Object(
  { ...answerFields, ...itemFields, explanation: Type.Optional(ExplanationBody) },
  { $id: 'GateAnswer' },
)

const subjectFields = {
  businessId: Type.Optional(Id),
  subject: Type.Optional(
    Type.Object(
      { businessId: Type.Optional(Id), credential: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })) },
      { ...closed, description: 'App keys: for whom. A business, or a credential that a caller presented' },
    ),
  ),
}
const Permission = Type.String({ minLength: 1, maxLength: 100 })
const IdempotencyKey = Type.String({ minLength: 1, maxLength: 255 })
const ItemId = Type.String({ minLength: 1, maxLength: 200 })
const At = Type.String({ format: 'date-time', description: 'When it happened: up to 24 hours ago, in the open period' })

const Explain = Type.Boolean({ description: 'Answer with every step of the gate and what it saw' })

const wanted = { ...subjectFields, permission: Type.Optional(Permission), explain: Type.Optional(Explain) }
const item = { ...wanted, feature: FeatureName, itemId: ItemId }
const units = { ...wanted, feature: FeatureName }

/** Asks the gate for the request's subject; a credential the backend asked about that is not valid is a denial. */
async function ask<Body extends SubjectFields & { explain?: boolean }, Result extends GateAnswer>(
  request: FastifyRequest,
  body: Body,
  operation: (
    subject: Subject,
    ask: Omit<Body, keyof SubjectFields | 'explain'> & Pick<Ask, 'requestId'>,
  ) => Promise<Result>,
): Promise<Result | GateAnswer> {
  const subject = await subjectOf(request, body)
  const { businessId: _business, subject: _subject, explain = false, ...rest } = body
  const answer = subject
    ? await operation(subject, { ...rest, requestId: request.id })
    : refused('unauthenticated', request.id)
  return answer.allowed && !explain ? answer : explained(request.freehold.ctx, request, subject, body, answer)
}

/*
 * Checks are answered from memory, one after the other. Sent one by one, each answer would wake a client on the same
 * machine by itself, which costs more than the check: what is asked in one turn of the event loop is answered together.
 */
let turn: Promise<void> | undefined
const endOfTurn = (): Promise<void> =>
  (turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  }))

/** The gate's routes, for API keys, sessions and app keys. */
export const gateRoutes: Routes = (app, ctx) => {
  const config = { access: 'credential' } as const
  const tags = ['Gate']

  app.post(
    '/v1/check',
    {
      config,
      schema: {
        summary: 'Could this be done now? Never counts',
        tags,
        body: Type.Object(
          {
            ...wanted,
            feature: Type.Optional(FeatureName),
            amount: Type.Optional(Amount),
            itemId: Type.Optional(
              Type.String({ ...ItemId, description: 'Of an allocated feature: may this item be used, or taken?' }),
            ),
          },
          closed,
        ),
        response: { 200: Answer },
      },
    },
    async (request) => {
      const answer = await ask(request, request.body, (subject, body) => check(ctx, subject, body))
      await endOfTurn()
      return answer
    },
  )

  app.post(
    '/v1/consume',
    {
      config,
      schema: {
        summary: 'May this be done now? Counted when allowed',
        tags,
        body: Type.Object(
          {
            ...units,
            amount: Type.Optional(Amount),
            idempotencyKey: Type.Optional(IdempotencyKey),
            at: Type.Optional(At),
          },
          closed,
        ),
        response: { 200: Answer },
      },
    },
    (request) =>
      ask(request, request.body, (subject, { amount = 1, at, idempotencyKey = headerKey(request), ...body }) =>
        consumeUnits(ctx, subject, {
          ...body,
          amount,
          idempotencyKey,
          at: instant('body/at', at),
        }),
      ),
  )

  app.post(
    '/v1/allocate',
    {
      config,
      schema: {
        summary: 'Take an item of an allocated feature',
        tags,
        body: Type.Object(item, closed),
        response: { 200: Answer },
      },
    },
    (request) => ask(request, request.body, (subject, body) => allocate(ctx, subject, body)),
  )

  app.post(
    '/v1/release',
    {
      config,
      schema: { summary: 'Give an item back', tags, body: Type.Object(item, closed), response: { 200: Answer } },
    },
    (request) => ask(request, request.body, (subject, body) => release(ctx, subject, body)),
  )

  app.post(
    '/v1/reservations',
    {
      config,
      schema: {
        summary: 'Hold units until the work is done',
        tags,
        body: Type.Object(
          {
            ...units,
            amount: Type.Optional(Amount),
            ttlSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, default: 600 })),
            idempotencyKey: Type.Optional(IdempotencyKey),
          },
          closed,
        ),
        response: { 200: Type.Object({ id: OptionalText, ...Answer.properties }) },
      },
    },
    async (request) => {
      const answer = await ask(
        request,
        request.body,
        (subject, { amount = 1, ttlSeconds = 600, idempotencyKey = headerKey(request), ...body }) =>
          reserve(ctx, subject, { ...body, amount, ttlSeconds, idempotencyKey }),
      )
      return { id: null, ...answer }
    },
  )

  app.post(
    '/v1/reservations/:id/confirm',
    {
      config,
      schema: {
        summary: 'The work is done: count what was held, or less, or more where there is room',
        tags,
        params: path('id'),
        body: Type.Optional(Type.Object({ ...subjectFields, amount: Type.Optional(Amount) }, closed)),
        response: { 200: Answer },
      },
    },
    (request) =>
      ask(request, request.body ?? {}, (subject, { amount, requestId }) => {
        if (onlyLooks(subject)) throw new FreeholdError('permission_denied')
        return confirm(ctx, subject, settling(request, subject, request.params.id), { amount, requestId })
      }),
  )

  app.delete(
    '/v1/reservations/:id',
    {
      config,
      schema: {
        summary: 'The work was not done: give the held units back',
        tags,
        params: path('id'),
        querystring: Type.Object({ businessId: Type.Optional(Id) }, closed),
        body: Type.Optional(Type.Object(subjectFields, closed)),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { businessId } = request.query
      const isApp = request.freehold.actor?.kind === 'app'
      // Not every client sends a body along with DELETE.
      const named = businessId === undefined ? {} : isApp ? { subject: { businessId } } : { businessId }
      const subject = await subjectOf(request, { ...named, ...request.body })
      if (!subject) throw new FreeholdError('unauthenticated')
      if (onlyLooks(subject)) throw new FreeholdError('permission_denied')
      await acrossBusinesses(request, (tx) =>
        releaseReservation(tx, ctx, settling(request, subject, request.params.id)),
      )
      return null
    },
  )

  app.post(
    '/v1/usage',
    {
      config,
      schema: {
        summary: 'Report up to 1,000 events, each with its own key and answer',
        description: 'They are counted together: where not all of them fit, which of them do is not promised',
        tags,
        body: Type.Object(
          {
            ...subjectFields,
            events: Type.Array(
              Type.Object(
                {
                  feature: FeatureName,
                  amount: Type.Optional(Amount),
                  idempotencyKey: IdempotencyKey,
                  at: Type.Optional(At),
                },
                closed,
              ),
              { minItems: 1, maxItems: 1000 },
            ),
          },
          closed,
        ),
        response: {
          200: Type.Object({ items: Type.Array(Type.Object({ idempotencyKey: Type.String(), ...answerFields })) }),
        },
      },
    },
    async (request) => {
      const { events, ...fields } = request.body
      const subject = await subjectOf(request, fields)
      // All of them before the first is counted.
      const times = events.map(({ at }, index) => instant(`body/events/${index}/at`, at))
      // All at once, so that they share statements. Where not all of them fit, two statements may be admitted in any order.
      const items = await Promise.all(
        events.map(async ({ amount = 1, at: _at, ...event }, index) => {
          const counting =
            subject && consumeUnits(ctx, subject, { ...event, amount, requestId: request.id, at: times[index] })
          const answer = counting ? await report(counting, request.id) : refused('unauthenticated', request.id)
          return { ...answer, idempotencyKey: event.idempotencyKey }
        }),
      )
      // They share a request id, so one of them can be asked about.
      const first = items.findIndex(({ code }) => isDenial(code))
      const denied = items[first]
      if (denied) await explained(ctx, request, subject, { ...fields, ...events[first] }, denied)
      return { items }
    },
  )
}

/** Each settles what it reserved itself; the product's backend, which sees every caller, whatever its business holds. */
const settling = ({ freehold: { actor } }: FastifyRequest, { businessId, credentialId }: Subject, id: string) => ({
  businessId,
  id,
  credentialId: actor?.kind === 'app' ? undefined : credentialId,
})

// One event that cannot be counted does not stop the others: its own answer says why.
async function report(counting: Promise<GateAnswer>, requestId: string): Promise<GateAnswer> {
  try {
    return await counting
  } catch (error) {
    if (error instanceof FreeholdError && error.status < 500) return refused(error.code, requestId)
    throw error
  }
}

const refused = (code: GateAnswer['code'], requestId: string): GateAnswer => ({
  allowed: false,
  code,
  limit: null,
  used: null,
  remaining: null,
  resetsAt: null,
  requestId,
})
