import { fastifyCookie } from '@fastify/cookie'
import type { Actor, Context } from '../context.ts'
import { FreeholdError } from '../errors.ts'
import { asFreeholdError, problemBody, type ProblemBody } from '../http/problem.ts'
import { sessionCookie } from '../http/cookies.ts'
import type { Entitlements, FeatureKinds, FieldsOf, ProductFields } from '../product-names.ts'
import { presentSubscription, type PresentedSubscription } from '../subscriptions/presenter.ts'
import { currentEntitlements } from '../usage/overview.ts'
import { authenticatePresented, noCredential } from './authentication.ts'
import type { Subject } from './gate.ts'
import { standingFor } from './standings.ts'
import { credentialSubject } from './subject.ts'

/** Headers as `fetch` has them or as Node has them, or the request of any framework that has such headers. */
export type HeaderSource = HeaderFields | { headers: HeaderFields; method?: string | undefined }
type HeaderFields =
  | { get: (name: string) => string | null | undefined }
  | { readonly [name: string]: string | readonly string[] | undefined }

/** Who asks, for which business, and what that business may use. */
export type Access<Kinds extends FeatureKinds = FeatureKinds, Fields extends ProductFields = ProductFields> = {
  actor: Actor
  business: {
    id: string
    name: string
    /** What the product's own system calls it. */
    externalId: string | null
    fields: FieldsOf<Fields, 'business'>
  }
  subscription: PresentedSubscription
  entitlements: Entitlements<Kinds>
}

export type Authorized = { subject: Subject; access: Access }

/** The business a signed-in person acts for; a key has its own. */
const businessHeader = 'freehold-business'

/**
 * Credential → actor → permission → business open → subscription. The caller's business is the credential's own, or the
 * one named: by `businessId` or the header `freehold-business`. Throws the first reason to refuse.
 */
export async function authorize(
  ctx: Context,
  source: HeaderSource,
  permission: string,
  businessId?: string,
): Promise<Authorized> {
  const kind = permissionKind(ctx, permission)
  const { headers, method } = parts(source)
  const credential = await authenticatePresented(ctx, {
    authorization: header(headers, 'authorization'),
    cookie: fastifyCookie.parse(header(headers, 'cookie') ?? '')[sessionCookie.nameIn(ctx.settings)],
    origin: header(headers, 'origin'),
    writes: kind === 'write' || (method !== undefined && !['GET', 'HEAD'].includes(method)),
  })
  if (!credential) throw new FreeholdError('unauthenticated', noCredential)
  const { actor } = credential
  if (actor.kind === 'app') {
    throw new FreeholdError('permission_denied', 'An app key acts through the gate and the staff routes')
  }
  const named = businessId ?? header(headers, businessHeader)
  const subject = await credentialSubject(ctx, credential, named, `headers/${businessHeader}`)
  if (!subject.permissions?.has(permission)) {
    throw new FreeholdError('permission_denied', `This needs the permission ${permission}`)
  }
  const standing = await standingFor(ctx, subject.businessId, kind)
  if ('code' in standing) throw new FreeholdError(standing.code)
  return {
    subject,
    access: {
      actor,
      business: await businessOf(ctx, subject.businessId),
      subscription: presentSubscription(standing.subscription, true, ctx.now()),
      entitlements: await currentEntitlements(ctx.db.across, ctx, standing),
    },
  }
}

/** The same as an answer, for any framework: what there is to know, or the problem to send with its `status`. */
export type Decision<Found = Access> = ({ ok: true } & Found) | { ok: false; problem: ProblemBody }

export async function decide(
  ctx: Context,
  source: HeaderSource,
  permission: string,
  businessId?: string,
): Promise<Decision> {
  try {
    const { access } = await authorize(ctx, source, permission, businessId)
    return { ok: true, ...access }
  } catch (error) {
    const refusal = asFreeholdError(error)
    if (refusal.code === 'internal_error') throw error
    return { ok: false, problem: problemBody(refusal, ctx.newId('request')) }
  }
}

/** Whether a permission reads or writes. One that does not exist is a mistake in the program, not in the request. */
export function permissionKind(ctx: Context, permission: string): 'read' | 'write' {
  const kind = Object.hasOwn(ctx.permissions.kinds, permission) ? ctx.permissions.kinds[permission] : undefined
  if (kind === undefined) throw new TypeError(`There is no permission ${permission}: declare it in the product`)
  return kind
}

async function businessOf(ctx: Context, businessId: string): Promise<Access['business']> {
  const row = await ctx.db.across
    .selectFrom('businesses')
    .select(['id', 'name', 'externalId', 'fields'])
    .where('id', '=', businessId)
    .executeTakeFirst()
  if (!row) throw new FreeholdError('not_found')
  return row
}

function parts(source: HeaderSource): { headers: HeaderFields; method: string | undefined } {
  const { headers, method } = source as { headers?: HeaderFields | string; method?: string }
  // Headers of a request that has a header of that name are no request.
  return typeof headers === 'object' ? { headers, method } : { headers: source as HeaderFields, method: undefined }
}

function header(headers: HeaderFields, name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1] as
    | string
    | string[]
    | undefined
  return Array.isArray(found) ? found[0] : found
}
