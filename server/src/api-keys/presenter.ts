import { Type } from 'typebox'
import { OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import type { ApiKey } from './api-keys.ts'

export const ApiKeyBody = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    name: Type.String(),
    hint: Type.String({ description: 'Enough to recognise it' }),
    key: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Publishable keys only, for those who may manage keys',
    }),
    lineageId: Type.String({ description: 'The first key it was rotated from' }),
    createdBy: OptionalText,
    expiresAt: OptionalTime,
    revokedAt: OptionalTime,
    lastUsedAt: OptionalTime,
    createdAt: Time,
  },
  { $id: 'ApiKey' },
)

export const ApiKeyUsageBody = Type.Object(
  {
    since: Time,
    items: Type.Array(
      Type.Object({
        feature: Type.String(),
        calls: Type.Integer({ description: 'That counted something; a check counts nothing' }),
        amount: Type.Integer({ description: 'Units' }),
        lastAt: Time,
      }),
    ),
    complete: Type.Boolean({
      description:
        'false when there was more than is looked through: the newest 10,000 of what was counted of a feature',
    }),
  },
  { $id: 'ApiKeyUsage' },
)

export const presentApiKey = ({ businessId: _, ...apiKey }: ApiKey, permissions: ReadonlySet<string>) => ({
  ...apiKey,
  key: permissions.has('api-keys:manage') ? apiKey.key : null,
})
