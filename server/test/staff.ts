import { createAppKey, type AppKeyScope } from '../src/api-keys/app-keys.ts'
import { systemActor } from '../src/context.ts'
import { acrossBusinesses } from '../src/db/transactions.ts'
import { password, type Answer, type TestFreehold } from './harness.ts'

/**
 * Everybody who might call a staff route: somebody of staff, an app key of each scope, a customer and their key. After the
 * clock has moved beyond the life of a session, `signIn` gives staff a new one.
 */
export async function openStaff(freehold: TestFreehold) {
  const founder = await freehold.signUp()
  await freehold.makeStaff(founder.user.id)
  const customer = await freehold.signUp()
  const appKey = async (scope: AppKeyScope) => {
    const { key } = await acrossBusinesses(freehold.ctx.db, (tx) =>
      createAppKey(tx, freehold.ctx, systemActor('test'), { name: `${scope} key`, scope }),
    )
    return { token: key }
  }
  const people = {
    user: founder.user as { id: string; email: string },
    staff: { token: founder.token as string },
    signIn: async () => {
      const { token } = freehold.ok(await freehold.api.post('/v1/login', { email: founder.user.email, password }))
      people.staff = { token }
    },
    admin: await appKey('admin'),
    meter: await appKey('meter'),
    customer: { token: customer.token as string },
    key: { token: customer.apiKeys[0].key as string },
  }
  return people
}

export type Staff = Awaited<ReturnType<typeof openStaff>>

/** Who is refused at a route that is for staff, with the status each of them gets: 401 without a credential, else 403. */
export async function refusals(
  call: (options: { token?: string }) => Promise<Answer>,
  { meter, customer, key }: Staff,
): Promise<number[]> {
  const statuses = []
  for (const caller of [{}, customer, key, meter]) statuses.push((await call(caller)).status)
  return statuses
}

export const onlyStaff = [401, 403, 403, 403]

/** The newest audit entries of a business with this action. */
export async function auditOf(freehold: TestFreehold, businessId: string, action: string) {
  return freehold.sql(
    `select actor_kind, actor_id, on_behalf_of, target, before, after
     from freehold.audit_entries where business_id = $1 and action = $2 order by id desc`,
    [businessId, action],
  )
}

/** The ids of everything in a list, a page of one after the other, as `get` reads it. */
export async function paged(get: (path: string) => Promise<Answer>, path: string): Promise<string[]> {
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { status, body } = await get(
      `${path}${path.includes('?') ? '&' : '?'}limit=1${cursor && `&cursor=${cursor}`}`,
    )
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
    seen.push(...idsOf(body.items))
    cursor = body.nextCursor
  }
  return seen
}

export const idsOf = (items: { id: string }[]): string[] => items.map(({ id }) => id)
