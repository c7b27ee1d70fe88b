import { Box, Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { lazy } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/console.ts'
import { Footer } from '../../ui/footer.tsx'
import { SkipLink } from '../../ui/frame.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { page, product } from '../../ui/page.ts'
import { Find } from '../../ui/palette/find.tsx'
import { Screen } from '../../ui/screen.tsx'
import { SimulatedTime } from '../../ui/simulated-time.tsx'
import { meQuery } from '../data.ts'
import { LookingIn } from '../support/looking-in.tsx'
import classes from './console-frame.module.css'
import { Navigation } from './navigation.tsx'

const Palette = lazy(() => import('../palette/palette.tsx'))

/** Around every screen of the console: a band in its own colour, and nothing for whoever is not staff. */
export function ConsoleFrame() {
  const me = useQuery(meQuery)
  return (
    <Box className={classes.frame}>
      <SkipLink />
      <header>
        <SimulatedTime />
        <div className={classes.band}>
          <Group gap="xs" wrap="nowrap" miw={0}>
            <Text fw={600} truncate>
              {product.name}
            </Text>
            <Text className={classes.mark ?? ''}>{text.name}</Text>
          </Group>
          <Group gap="sm" wrap="nowrap" className={classes.aside ?? ''}>
            <Text visibleFrom="sm">{me.data?.user.email}</Text>
            {me.data?.staff === true && (
              <Find>
                <Palette />
              </Find>
            )}
            <Button variant="default" size="compact-sm" onClick={() => void signOut()}>
              {text.signOut}
            </Button>
          </Group>
        </div>
        {/* Also while it is not known yet: what is below it need not move then. */}
        {me.data?.staff !== false && <Navigation />}
      </header>
      <main id="main" className={classes.main}>
        <Loaded query={me}>
          {({ user, staff }) =>
            staff ? (
              <>
                <LookingIn userId={user.id} />
                <Outlet />
              </>
            ) : (
              <Forbidden email={user.email} />
            )
          }
        </Loaded>
      </main>
      <div className={classes.footer}>
        <Footer />
      </div>
    </Box>
  )
}

function Forbidden({ email }: { email: string }) {
  return (
    <Screen title={text.forbidden.title} about={text.forbidden.about(email)}>
      <Group gap="xs">
        <Button component="a" href={`${page.basePath}/`}>
          {text.forbidden.toPortal}
        </Button>
        <Button variant="default" onClick={() => void signOut()}>
          {text.forbidden.asOther}
        </Button>
      </Group>
    </Screen>
  )
}

/** Whatever the server says: the next page asks who one is, and comes back here. */
async function signOut(): Promise<void> {
  await answer(api.POST('/v1/logout')).catch(() => {})
  location.assign(`${page.basePath}/sign-in?next=${encodeURIComponent(`${page.basePath}/console`)}`)
}
