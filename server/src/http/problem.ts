import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Context } from '../context.ts'
import { sqlState } from '../db/transactions.ts'
import { FreeholdError, invalid, type ErrorCode, type FieldError } from '../errors.ts'
import { securityHeaders } from './headers.ts'
import { allowedMethods, routeMeant } from './methods.ts'
import { mostMoney } from './schemas.ts'

/** RFC 9457 problem details, the one shape of every error. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; meant for programs' }),
    detail: Type.Optional(Type.String()),
    requestId: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { $id: 'Problem', additionalProperties: true },
)

/** The body of a refusal (RFC 9457): `code` is stable and for programs, `detail` for people. */
export type ProblemBody = {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail?: string
  requestId: string
  errors?: FieldError[]
}

export function problemBody(error: FreeholdError, requestId: string): ProblemBody {
  return {
    type: `https://freehold.dev/problems/${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    ...(error.message === error.title ? {} : { detail: error.message }),
    requestId,
    ...(error.errors ? { errors: error.errors } : {}),
    ...error.extensions,
  }
}

export function sendProblem(reply: FastifyReply, error: FreeholdError) {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  // What a 401 has to name (RFC 9110 §11.6.1); of a scheme they do not know browsers open no window.
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemBody(error, reply.request.id))
}

/** Turns whatever was thrown into a problem. What we did not foresee is logged whole and told as `internal_error`. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const known = namesNothing(error, request)
    ? new FreeholdError('not_found')
    : (unstorable(error, request) ?? asFreeholdError(error))
  if (known.status >= 500) request.log.error({ requestId: request.id, err: error, code: known.code }, known.title)
  else request.log.debug({ requestId: request.id, code: known.code, detail: known.message }, 'refused')
  return sendProblem(reply, known)
}

/** What no plugin route answers still answers in the same shape. */
export function noSuchRoute(request: FastifyRequest, reply: FastifyReply) {
  const allowed = allowedMethods(request)
  if (allowed.length === 0) {
    const meant = routeMeant(request)
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    return sendProblem(reply, new FreeholdError('not_found', `No such route${hint}`))
  }
  reply.header('allow', allowed.join(', '))
  return sendProblem(reply, new FreeholdError('method_not_allowed', `This path has ${allowed.join(' and ')}`))
}

/** Tells whoever does not speak HTTP, as far as they can be told: there is no request yet, only a connection. */
export function clientProblem(error: Error & { code?: string }, socket: Socket, ctx: Context): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const requestId = ctx.newId('request')
    const body = JSON.stringify(problemBody(new FreeholdError('malformed_request'), requestId))
    const headers = {
      ...securityHeaders(ctx.settings),
      'x-request-id': requestId,
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    socket.write(['HTTP/1.1 400 Bad Request', ...lines, '', body].join('\r\n'))
  }
  socket.destroy(error)
}

// PostgreSQL stores no NUL, so an id that holds one is nobody's.
const namesNothing = (error: unknown, request: FastifyRequest) =>
  sqlState(error) === '22021' && Object.values(request.params ?? {}).some((value) => String(value).includes('\0'))

function unstorable(error: unknown, { query }: FastifyRequest): FreeholdError | undefined {
  if (sqlState(error) !== '22021') return undefined
  const field = Object.entries(query ?? {}).find(([, value]) => String(value).includes('\0'))?.[0]
  return field === undefined ? undefined : invalid(`querystring/${field}`, 'holds a character that cannot be stored')
}

export function asFreeholdError(error: unknown): FreeholdError {
  if (error instanceof FreeholdError) return error
  if (!(error instanceof Error)) return new FreeholdError('internal_error', undefined, { cause: error })
  // The client went away in the middle of its request: nobody reads this, and nothing of ours is amiss.
  if (error.message === 'aborted') return new FreeholdError('malformed_request')
  if (sqlState(error) === '22021') return new FreeholdError('invalid_request', 'Text must not hold the character NUL')
  if (waitedForLock.has(sqlState(error) ?? ''))
    return new FreeholdError('busy', 'Somebody else is changing this', { retryAfterSeconds: 1, cause: error })
  if (isUnavailable(error)) return new FreeholdError('unavailable', undefined, { retryAfterSeconds: 1, cause: error })
  const fastify = error as FastifyError
  if (fastify.validation) {
    return new FreeholdError('invalid_request', 'The request is not valid', { errors: fieldErrors(fastify) })
  }
  switch (fastify.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new FreeholdError('payload_too_large')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new FreeholdError('unsupported_media_type')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new FreeholdError('invalid_json', 'The body has another length than announced')
  }
  return new FreeholdError('internal_error', undefined, { cause: error })
}

// A row that somebody holds for longer than a request waits; a deadlock that came back each time it was tried again.
const waitedForLock = new Set(['55P03', '40P01'])

// The database is gone, restarting, out of room, only a copy, or has no connection to give; or there is no way to it.
function isUnavailable(error: Error): boolean {
  const code = sqlState(error) ?? ''
  return (
    /^(08|53)/.test(code) ||
    ['57P01', '57P02', '57P03', '25P03', '25006', '58030'].includes(code) ||
    [
      'ECONNREFUSED',
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ENOTFOUND',
      'EAI_AGAIN',
    ].includes(code) ||
    /timeout exceeded when trying to connect|Connection terminated|is not queryable|Query read timeout/.test(
      error.message,
    )
  )
}

function fieldErrors(error: FastifyError): FieldError[] {
  const base = error.validationContext ?? 'body'
  return (error.validation ?? []).map((problem) => {
    const { instancePath, keyword, params, message } = problem
    const field =
      keyword === 'required'
        ? `/${String(params['missingProperty'])}`
        : keyword === 'additionalProperties'
          ? `/${String(params['additionalProperty'])}`
          : ''
    const text =
      keyword === 'required'
        ? 'is required'
        : keyword === 'additionalProperties'
          ? 'is not a known field'
          : keyword === 'enum'
            ? `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
            : keyword === 'pattern'
              ? patternMessage(instancePath)
              : (moneyMessage(problem) ?? typeMessage(base, problem) ?? message ?? 'is not valid')
    return { path: `${base}${instancePath}${field}`, message: text }
  })
}

type Invalid = NonNullable<FastifyError['validation']>[number] & { parentSchema?: { maximum?: number } }

/** Bounds of money are in minor units, and who reads the refusal has typed dollars. */
function moneyMessage({ keyword, params, parentSchema }: Invalid): string | undefined {
  const isBound = keyword === 'minimum' || keyword === 'maximum'
  if (!isBound || parentSchema?.maximum !== mostMoney) return undefined
  if (Math.abs(Number(params['limit'])) === mostMoney) return 'is too large'
  return Number(params['limit']) === 0 ? 'must not be below 0' : 'must be more than 0'
}

// Who sends "5", or a time without its zone, has to read what would do.
const typeMessages: Record<string, string> = {
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  'date-time': 'must be a time such as 2026-04-16T09:30:00Z',
  email: 'must be an e-mail address',
}
function typeMessage(base: string, { keyword, params }: Invalid): string | undefined {
  const message = ['type', 'format'].includes(keyword) ? typeMessages[String(params[keyword])] : undefined
  return message && keyword === 'type' && base === 'body' ? `${message}, without quotes` : message
}

// A regular expression tells nobody what to do.
const patternMessage = (path: string) =>
  path === '/cursor' ? 'is none of this list' : 'is blank, or holds characters that do not belong here'
