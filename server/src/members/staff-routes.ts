import { Type } from 'typebox'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, ExternalId, OptionalTime, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { setUserDisabled } from '../users/disabling.ts'
import { setExternalId } from '../users/external-ids.ts'
import { staffUserById, UserBody } from '../users/presenter.ts'
import { changeMember } from './members.ts'
import { MemberBody, presentMember } from './presenter.ts'

const StaffUserBody = Type.Object(
  { ...UserBody.properties, disabled: Type.Boolean(), disabledAt: OptionalTime },
  { $id: 'StaffUser' },
)

/** Staff put right who may get in. */
export const staffMemberRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']

  app.patch(
    '/v1/staff/businesses/:id/members/:memberId',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Change a member’s role, suspend or restore them',
        tags,
        params: path('id', 'memberId'),
        body: Type.Object(
          {
            role: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
            suspended: Type.Optional(Type.Boolean()),
            reason: Reason,
          },
          { ...closed, anyOf: [{ required: ['role'] }, { required: ['suspended'] }] },
        ),
        response: { 200: MemberBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id, memberId } = request.params
        const everything = ctx.permissions.roles['owner'] ?? new Set()
        return presentMember(await changeMember(tx, ctx, actorOf(request), everything, id, memberId, request.body))
      }),
  )

  app.patch(
    '/v1/staff/users/:id',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Lock somebody out or let them in again, or say what your own system calls them',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            disabled: Type.Optional(Type.Boolean()),
            externalId: Type.Optional(Type.Union([ExternalId, Type.Null()])),
            reason: Reason,
          },
          { ...closed, anyOf: [{ required: ['disabled'] }, { required: ['externalId'] }] },
        ),
        response: { 200: StaffUserBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id } = request.params
        const { disabled, externalId, reason } = request.body
        const actor = actorOf(request)
        if (externalId !== undefined) await setExternalId(tx, ctx, actor, id, { externalId, reason })
        if (disabled !== undefined) await setUserDisabled(tx, ctx, actor, id, { disabled, reason })
        const { disabledAt, ...user } = await staffUserById(tx, id)
        return { ...user, disabled: disabledAt !== null, disabledAt }
      }),
  )
}
