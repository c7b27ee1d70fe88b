import { text } from '../../text/console.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import { places } from '../places.ts'
import classes from './console-frame.module.css'

export function Navigation() {
  return (
    <Places label={text.navigation} className={classes.navigation}>
      {places.map(({ to, name }) => (
        <PlaceLink key={to} to={to} activeOptions={{ includeSearch: false, exact: to === '/' }}>
          {name}
        </PlaceLink>
      ))}
    </Places>
  )
}
