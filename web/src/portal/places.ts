import { text as account } from '../text/account.ts'
import { text as apiKeys } from '../text/api-keys.ts'
import { text } from '../text/business.ts'
import { text as explain } from '../text/explain.ts'
import { text as invoices } from '../text/invoices.ts'
import { text as audit } from '../text/audit.ts'
import { text as plan } from '../text/plan.ts'
import { text as settings } from '../text/settings.ts'
import { text as support } from '../text/support.ts'
import { text as team } from '../text/team.ts'
import { text as usage } from '../text/usage.ts'

/** Where one can go in a business: a line for each screen, with what it takes to see it. */
export const businessPlaces = [
  { to: '/b/$businessId', label: text.overview.nav, needs: 'business:read' },
  { to: '/b/$businessId/team', label: team.nav, needs: 'members:read' },
  { to: '/b/$businessId/api-keys', label: apiKeys.nav, needs: 'api-keys:read' },
  { to: '/b/$businessId/plan', label: plan.nav, needs: 'subscription:read' },
  { to: '/b/$businessId/usage', label: usage.nav, needs: 'usage:read' },
  { to: '/b/$businessId/invoices', label: invoices.nav, needs: 'subscription:read' },
  { to: '/b/$businessId/explain', label: explain.nav, needs: 'usage:read' },
  { to: '/b/$businessId/audit', label: audit.nav, needs: 'audit:read' },
  { to: '/b/$businessId/support-access', label: support.nav, needs: 'support:read' },
  { to: '/b/$businessId/settings', label: settings.nav, needs: 'business:read' },
] as const

/** A person's own screens. */
export const accountPlaces = [
  { to: '/account/profile', label: account.profile.nav },
  { to: '/account/security', label: account.security.nav },
  { to: '/account/sessions', label: account.sessions.nav },
] as const
