import { text as plans } from '../../text/console-plans.ts'
import { text } from '../../text/console.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import classes from './console-frame.module.css'

/** Where one can go in the console: a line for each screen. */
const places = [
  { to: '/businesses', label: text.businesses.title },
  { to: '/plans', label: plans.title },
] as const

export function Navigation() {
  return (
    <Places label={text.navigation} className={classes.navigation}>
      {places.map(({ to, label }) => (
        <PlaceLink key={to} to={to} activeOptions={{ includeSearch: false }}>
          {label}
        </PlaceLink>
      ))}
    </Places>
  )
}
