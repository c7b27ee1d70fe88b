import { text as plans } from '../../text/console-plans.ts'
import { text } from '../../text/console.ts'
import { text as explain } from '../../text/explain.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import classes from './console-frame.module.css'

/** Where one can go in the console: a line for each screen. */
const places = [
  { to: '/', label: text.screens.queue },
  { to: '/businesses', label: text.businesses.title },
  { to: '/subscriptions', label: text.screens.subscriptions },
  { to: '/plans', label: plans.title },
  { to: '/metrics', label: text.screens.metrics },
  { to: '/support-sessions', label: text.screens.support },
  { to: '/audit', label: text.screens.audit },
  { to: '/jobs', label: text.screens.jobs },
  { to: '/mail', label: text.screens.mail },
  { to: '/explain', label: explain.nav },
] as const

export function Navigation() {
  return (
    <Places label={text.navigation} className={classes.navigation}>
      {places.map(({ to, label }) => (
        <PlaceLink key={to} to={to} activeOptions={{ includeSearch: false, exact: to === '/' }}>
          {label}
        </PlaceLink>
      ))}
    </Places>
  )
}
