import { Link } from '@tanstack/react-router'
import { text as apiKeys } from '../../text/api-keys.ts'
import { text } from '../../text/business.ts'
import { text as team } from '../../text/team.ts'
import classes from './business-frame.module.css'

/** Where one can go in a business: a line for each screen, with what it takes to see it. */
const places = [
  { to: '/b/$businessId', label: text.overview.nav, needs: 'business:read' },
  { to: '/b/$businessId/team', label: team.nav, needs: 'members:read' },
  { to: '/b/$businessId/api-keys', label: apiKeys.nav, needs: 'api-keys:read' },
] as const

export function Navigation({ businessId, may }: { businessId: string; may: string[] }) {
  return (
    <nav className={classes.navigation} aria-label={text.navigation}>
      <ul>
        {places
          .filter(({ needs }) => may.includes(needs))
          .map(({ to, label }) => (
            <li key={to}>
              <Link to={to} params={{ businessId }} activeOptions={{ exact: true }} className={classes.link}>
                {label}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  )
}
