import type { Actor, Context } from '../context.ts'
import { explanationOf } from './explanation.ts'
import type { GateAnswer } from './gate.ts'
import type { Asked, Explanation } from './steps.ts'
import { businessSurroundings, seenBadCredential, seenCredential } from './surroundings.ts'

/** Looks up what explanations need, each thing once: of many denials most are of one business and one key. */
export type Reader = {
  business: (businessId: string, feature: string | undefined) => ReturnType<typeof businessSurroundings>
  credential: (actor: Actor) => ReturnType<typeof seenCredential>
}

export function createReader(ctx: Context): Reader {
  const { across } = ctx.db
  const businesses = new Map<string, ReturnType<Reader['business']>>()
  const credentials = new Map<string, ReturnType<Reader['credential']>>()
  return {
    business: (businessId, feature) =>
      remembered(businesses, `${businessId} ${feature}`, () => businessSurroundings(across, ctx, businessId, feature)),
    credential: (actor) =>
      remembered(credentials, actor.kind === 'staff' ? actor.supportSession.id : actor.id, () =>
        seenCredential(across, actor),
      ),
  }
}

function remembered<Value>(known: Map<string, Value>, key: string, read: () => Value): Value {
  const value = known.get(key) ?? read()
  known.set(key, value)
  return value
}

/**
 * Explains an answer the gate has given. What decided is in the answer; the rest is read now, after it. `bearer` is what
 * was presented as the subject's credential, when that was no good.
 */
export async function explain(
  ctx: Context,
  asked: Asked,
  answer: GateAnswer,
  bearer: string | undefined,
  reader = createReader(ctx),
): Promise<Explanation> {
  const { subject, feature } = asked
  const around = subject
    ? {
        ...(await reader.business(subject.businessId, feature)),
        credential: await reader.credential(subject.actor),
      }
    : { credential: await seenBadCredential(ctx.db.across, ctx, bearer ?? '') }
  return explanationOf({ ctx, asked, answer, around })
}

/** Undefined when what it rests on cannot be read: an answer that has been given does not fail because of it. */
export async function explainIfPossible(
  ...[ctx, asked, ...rest]: Parameters<typeof explain>
): Promise<Explanation | undefined> {
  try {
    return await explain(ctx, asked, ...rest)
  } catch (error) {
    const { requestId, route } = asked
    ctx.log.warn({ err: error, requestId, route }, 'an answer of the gate could not be explained')
    return undefined
  }
}
