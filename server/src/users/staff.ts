import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { newPasswordReset } from './password-resets.ts'

/** The people who run the product. Who they are is decided on the command line and nowhere else. */
export type StaffMember = { userId: string; email: string; name: string; since: Date; signsIn: boolean }

export function listStaff(db: Queryable): Promise<StaffMember[]> {
  return selectStaff(db).orderBy('users.email').execute()
}

const selectStaff = (db: Queryable) =>
  db
    .selectFrom('staff')
    .innerJoin('users', 'users.id', 'staff.userId')
    .select((select) => [
      'staff.userId',
      'users.email',
      'users.name',
      'staff.createdAt as since',
      select
        .exists(select.selectFrom('accounts').select('accounts.id').whereRef('accounts.userId', '=', 'users.id'))
        .$castTo<boolean>()
        .as('signsIn'),
    ])

export type Added = {
  userId: string
  email: string
  isNewUser: boolean
  emailVerified: boolean
  resetToken: string | undefined
}

/**
 * Makes somebody staff, at once and in every session they have. Who has no way to sign in yet (a new user always) is
 * given a token to set a password with; asked for again it is a new one, and the older stops working.
 */
export async function addStaff(tx: Tx, ctx: Context, actor: Actor, emailAsWritten: string): Promise<Added> {
  const email = checkedEmail(emailAsWritten)
  const isNewUser = await createUserWithoutPassword(tx, ctx, email)
  const user = await tx
    .selectFrom('users')
    .select(['id', 'disabledAt', 'emailVerified'])
    .where('email', '=', email)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()
  if (user.disabledAt) throw new FreeholdError('conflict', `${email} is disabled: enable the user first`)

  const target = { kind: 'user', id: user.id, name: email }
  const added = await tx
    .insertInto('staff')
    .values({ userId: user.id, createdAt: ctx.now() })
    .onConflict((conflict) => conflict.column('userId').doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows === 1n) {
    await auditSystem(tx, ctx, actor, { action: 'staff.added', target, after: { email } })
  }
  const { signsIn } = await selectStaff(tx).where('staff.userId', '=', user.id).executeTakeFirstOrThrow()
  const result = { userId: user.id, email, isNewUser, emailVerified: user.emailVerified }
  if (signsIn) return { ...result, resetToken: undefined }
  await auditSystem(tx, ctx, actor, { action: 'user.password_link_made', target })
  return { ...result, resetToken: await newPasswordReset(tx, ctx, user.id) }
}

/** Takes effect at once: sessions lose what staff may do, and support sessions end. */
export async function removeStaff(tx: Tx, ctx: Context, actor: Actor, emailAsWritten: string): Promise<void> {
  const email = emailAsWritten.trim().toLowerCase()
  const person = await selectStaff(tx).where('users.email', '=', email).executeTakeFirst()
  const removed =
    person && (await tx.deleteFrom('staff').where('userId', '=', person.userId).executeTakeFirst()).numDeletedRows
  if (!person || removed !== 1n) throw new FreeholdError('not_found', `${email} is not staff`)
  await auditSystem(tx, ctx, actor, {
    action: 'staff.removed',
    target: { kind: 'user', id: person.userId, name: email },
    before: { email },
  })
}

/** Whether the user was made just now; another process may be making the same one. */
async function createUserWithoutPassword(tx: Tx, ctx: Context, email: string): Promise<boolean> {
  const now = ctx.now()
  const created = await tx
    .insertInto('users')
    // Until they say their name, the log names them by their e-mail.
    .values({ id: ctx.newId('user'), email, name: email, createdAt: now, updatedAt: now })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .executeTakeFirst()
  return created.numInsertedOrUpdatedRows === 1n
}

function checkedEmail(text: string): string {
  const email = text.trim().toLowerCase()
  if (email.length > 254 || !/^[^\s@"<>(),;:\\]+@[^\s@"<>(),;:\\]+\.[^\s@"<>(),;:\\]+$/.test(email)) {
    throw invalid('EMAIL', `${text} is no e-mail address`)
  }
  return email
}
