import { text } from '../../text/business.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import classes from '../frame.module.css'
import { businessPlaces } from '../places.ts'

export function Navigation({ businessId, may }: { businessId: string; may: string[] }) {
  return (
    <Places label={text.navigation} className={classes.navigation}>
      {businessPlaces
        .filter(({ needs }) => may.includes(needs))
        .map(({ to, label }) => (
          <PlaceLink
            key={to}
            to={to}
            params={{ businessId }}
            activeOptions={{ exact: to === '/b/$businessId', includeSearch: false }}
          >
            {label}
          </PlaceLink>
        ))}
    </Places>
  )
}
