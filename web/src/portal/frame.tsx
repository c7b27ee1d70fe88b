import { Box, Button, Group, Text } from '@mantine/core'
import { lazy, type ReactNode } from 'react'
import { text } from '../text/business.ts'
import { Brand } from '../ui/brand.tsx'
import { Footer } from '../ui/footer.tsx'
import { SkipLink } from '../ui/frame.tsx'
import { TextLink } from '../ui/links.tsx'
import { Find } from '../ui/palette/find.tsx'
import { SimulatedTime } from '../ui/simulated-time.tsx'
import classes from './frame.module.css'
import { signOut } from './session.ts'

const Palette = lazy(() => import('./palette/palette.tsx'))

/** Around every screen of whoever is signed in: whose pages these are, where one is, the ways on and out. */
export function PortalFrame({
  place,
  navigation,
  renewal,
  children,
}: {
  /** What one is in, a business for instance. */
  place?: string | undefined
  navigation?: ReactNode
  /** When the cycle that one looks at ends. */
  renewal?: string | undefined
  children: ReactNode
}) {
  return (
    <Box className={classes.frame}>
      <SkipLink />
      <header className={classes.header}>
        <SimulatedTime />
        <Group className={classes.bar ?? ''} justify="space-between" gap="xs">
          <Group gap="xs" wrap="nowrap" miw={0} className={classes.place ?? ''}>
            <Brand />
            {place !== undefined && (
              <Text c="dimmed" truncate>
                / {place}
              </Text>
            )}
          </Group>
          <Group gap="sm">
            <Find>
              <Palette />
            </Find>
            <TextLink to="/businesses" underline="hover" c="dimmed">
              {text.switch}
            </TextLink>
            <TextLink to="/account/profile" underline="hover" c="dimmed">
              {text.account}
            </TextLink>
            <Button variant="default" size="compact-sm" onClick={() => void signOut()}>
              {text.signOut}
            </Button>
          </Group>
        </Group>
        {navigation}
      </header>
      <main id="main" className={classes.main}>
        {children}
      </main>
      <div className={classes.footer}>
        <Footer renewal={renewal} />
      </div>
    </Box>
  )
}
