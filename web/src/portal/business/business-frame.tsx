import { Alert, Anchor, Box, Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Outlet } from '@tanstack/react-router'
import { answer, api } from '../../api.ts'
import { text } from '../../text/business.ts'
import { text as shared } from '../../text/shared.ts'
import { bannerOf } from '../../ui/banner.ts'
import { Brand } from '../../ui/brand.tsx'
import { Footer } from '../../ui/footer.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { page } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { meQuery } from '../data.ts'
import { TextLink } from '../../ui/links.tsx'
import { MembershipProvider, useMembership } from '../membership.tsx'
import classes from './business-frame.module.css'
import { Navigation } from './navigation.tsx'

const route = getRouteApi('/b/$businessId')

/** Around every screen of a business: whose it is, where one can go, and what matters most about the subscription. */
export function BusinessFrame() {
  const { businessId } = route.useParams()
  const me = useQuery(meQuery)
  const membership = me.data?.memberships.find((each) => each.business.id === businessId)
  return (
    <Box className={classes.frame}>
      <Anchor href="#main" className={classes.skip ?? ''}>
        {shared.skip}
      </Anchor>
      <header className={classes.header}>
        <Group className={classes.bar ?? ''} justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap" miw={0}>
            <Brand />
            {membership && (
              <Text c="dimmed" truncate>
                / {membership.business.name}
              </Text>
            )}
          </Group>
          <Group gap="md" wrap="nowrap" className={classes.aside ?? ''}>
            <TextLink to="/businesses">{text.switch}</TextLink>
            <Button variant="default" size="xs" onClick={() => void signOut()}>
              {text.signOut}
            </Button>
          </Group>
        </Group>
        {membership && !membership.suspended && <Navigation businessId={businessId} may={membership.permissions} />}
      </header>
      <main id="main" className={classes.main}>
        <Loaded query={me}>
          {() => {
            if (!membership) return <Screen title={text.notYours.title} about={text.notYours.about} />
            if (membership.suspended) return <Screen title={text.suspended.title} about={text.suspended.about} />
            return (
              <MembershipProvider value={membership}>
                <SubscriptionBanner />
                <Outlet />
              </MembershipProvider>
            )
          }}
        </Loaded>
      </main>
      <div className={classes.footer}>
        <Footer />
      </div>
    </Box>
  )
}

function SubscriptionBanner() {
  const banner = bannerOf(useMembership())
  if (!banner) return null
  return (
    <Alert color={banner.tone === 'info' ? 'accent' : banner.tone} title={banner.title} mb="lg">
      {banner.about}
    </Alert>
  )
}

/** Whatever the server says: the next page asks who one is. A fresh page, so that nothing of this one is left. */
export async function signOut(): Promise<void> {
  await answer(api.POST('/v1/logout')).catch(() => {})
  location.assign(`${page.basePath}/sign-in`)
}
