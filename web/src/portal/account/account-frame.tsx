import { Outlet } from '@tanstack/react-router'
import { text } from '../../text/account.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import classes from '../frame.module.css'
import { PortalFrame } from '../frame.tsx'
import { accountPlaces } from '../places.ts'

/** Around a person's own screens. */
export const AccountFrame = () => (
  <PortalFrame
    place={text.nav}
    navigation={
      <Places label={text.navigation} className={classes.navigation}>
        {accountPlaces.map(({ to, label }) => (
          <PlaceLink key={to} to={to}>
            {label}
          </PlaceLink>
        ))}
      </Places>
    }
  >
    <Outlet />
  </PortalFrame>
)
