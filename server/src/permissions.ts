/**
 * The permissions Freehold itself checks, and who holds them. A product adds its own in its definition; owner and admin
 * hold all of those. `read` ones are what a support session with read access may use.
 */
export const builtInPermissions = {
  'business:read': 'read',
  'business:update': 'write',
  'business:close': 'write',
  'business:transfer': 'write',
  'members:read': 'read',
  'members:manage': 'write',
  'invitations:read': 'read',
  'invitations:manage': 'write',
  'api-keys:read': 'read',
  'api-keys:manage': 'write',
  'subscription:read': 'read',
  'subscription:manage': 'write',
  'usage:read': 'read',
  'audit:read': 'read',
  'support:read': 'read',
  'support:manage': 'write',
} as const satisfies Record<string, 'read' | 'write'>

export type BuiltInPermission = keyof typeof builtInPermissions

const ownerOnly = new Set<string>(['business:close', 'business:transfer'])

/** Never in a support session, whatever its access (keys, deletion, handing over, who may look in). */
const neverInSupport = new Set<string>([
  'business:close',
  'business:transfer',
  'api-keys:manage',
  'support:manage',
  'subscription:manage',
])

/** What an ordinary member or a product's own role may do besides the product's permissions it declares. */
const everyRole: BuiltInPermission[] = ['business:read', 'members:read', 'subscription:read', 'usage:read']

export type PermissionTable = {
  /** Every permission there is, and its kind. */
  kinds: Record<string, 'read' | 'write'>
  /** role → the permissions it holds */
  roles: Record<string, ReadonlySet<string>>
  /** type of an API key → the permissions it has */
  keys: Record<string, ReadonlySet<string>>
}

/** Made once for a product: a hundred thousand keys that are remembered share the set of their type. */
export function permissionTable(product: {
  permissions: Record<string, 'read' | 'write'>
  roles: Record<string, readonly string[]>
  keys: Record<string, { permissions: readonly string[] }>
}): PermissionTable {
  const kinds: Record<string, 'read' | 'write'> = { ...builtInPermissions, ...product.permissions }
  const all = Object.keys(kinds)
  const roles: Record<string, ReadonlySet<string>> = {
    owner: new Set(all),
    admin: new Set(all.filter((permission) => !ownerOnly.has(permission))),
    member: new Set(everyRole),
  }
  for (const [role, permissions] of Object.entries(product.roles)) roles[role] = new Set([...everyRole, ...permissions])
  const keys = Object.fromEntries(
    Object.entries(product.keys).map(([type, { permissions }]) => [type, new Set(permissions)]),
  )
  return { kinds, roles, keys }
}

export function supportPermissions(table: PermissionTable, access: 'read' | 'write'): ReadonlySet<string> {
  return new Set(
    Object.entries(table.kinds).flatMap(([permission, kind]) =>
      !neverInSupport.has(permission) && (kind === 'read' || access === 'write') ? permission : [],
    ),
  )
}
