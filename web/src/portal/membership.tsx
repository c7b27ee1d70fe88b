import { Alert, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { createContext, use, type ReactNode } from 'react'
import type { Schemas } from '../api.ts'
import { text } from '../text/shared.ts'
import { barOf } from '../ui/banner.ts'
import { product } from '../ui/page.ts'
import { either, list } from '../ui/words.ts'
import { membersQuery } from './data.ts'

/** The business in the address, and who one is in it. From the address only: two tabs may be in two of them. */
const MembershipContext = createContext<Schemas['Membership'] | null>(null)
export const MembershipProvider = MembershipContext.Provider

export function useMembership() {
  const membership = use(MembershipContext)
  if (!membership) throw new Error('There is no business around this')
  return {
    ...membership,
    businessId: membership.business.id,
    can: (permission: string) => membership.permissions.includes(permission),
    /** The roles one may give: nobody gives more than they hold themselves. */
    grantable: Object.entries(product.roles).flatMap(([role, permissions]) =>
      permissions.every((permission) => membership.permissions.includes(permission)) ? role : [],
    ),
    /** Why nothing may be added or changed here now. */
    bar: barOf(membership),
  }
}

/** Shows what needs a permission to those who hold it, and to others who can help. Asks for nothing that is refused. */
export function Needs({ permission, children }: { permission: string; children: ReactNode }) {
  const { can } = useMembership()
  return can(permission) ? children : <Forbidden permission={permission} />
}

function Forbidden({ permission }: { permission: string }) {
  const { businessId, role } = useMembership()
  const { data: members = [] } = useInfiniteQuery(membersQuery(businessId))
  const owners = members.filter((member) => member.role === 'owner').map((each) => `${each.firstName} ${each.lastName}`)
  const roles = Object.keys(product.roles).filter((name) => product.roles[name]?.includes(permission))
  return (
    <Alert color="warning" title={text.forbidden.title}>
      <Stack gap={4}>
        <Text>{text.forbidden.about(role, either(roles))}</Text>
        {owners.length > 0 && <Text>{text.forbidden.owners(list(owners))}</Text>}
      </Stack>
    </Alert>
  )
}
