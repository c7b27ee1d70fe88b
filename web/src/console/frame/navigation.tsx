import { Link } from '@tanstack/react-router'
import { text as plans } from '../../text/console-plans.ts'
import { text } from '../../text/console.ts'
import classes from './console-frame.module.css'

/** Where one can go in the console: a line for each screen. */
const places = [
  { to: '/businesses', label: text.businesses.title },
  { to: '/plans', label: plans.title },
] as const

export function Navigation() {
  return (
    <nav className={classes.navigation} aria-label={text.navigation}>
      <ul className={classes.links}>
        {places.map(({ to, label }) => (
          <li key={to}>
            <Link to={to} activeOptions={{ includeSearch: false }} className={classes.link}>
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
