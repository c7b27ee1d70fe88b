import { Alert } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Outlet, useParams } from '@tanstack/react-router'
import { text } from '../../text/business.ts'
import { text as invoices } from '../../text/invoices.ts'
import { text as plan } from '../../text/plan.ts'
import { bannerOf } from '../../ui/banner.ts'
import { LimitRemedy } from '../../ui/form.tsx'
import { TextLink } from '../../ui/links.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { PlaceProvider, Screen } from '../../ui/screen.tsx'
import { meQuery } from '../data.ts'
import { PortalFrame } from '../frame.tsx'
import { invoicesQuery, isOverdue } from '../invoices/data.ts'
import { MembershipProvider, useMembership } from '../membership.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { SupportBanner } from '../support/support-banner.tsx'
import { Navigation } from './navigation.tsx'

const route = getRouteApi('/b/$businessId')

/** Around every screen of a business: whose it is, where one can go, and what matters most about the subscription. */
export function BusinessFrame() {
  const { businessId } = route.useParams()
  const me = useQuery(meQuery)
  const membership = me.data?.memberships.find((each) => each.business.id === businessId)
  return (
    <PortalFrame
      place={membership?.business.name}
      renewal={membership?.subscription?.cycleEnd}
      navigation={
        // Its room is there from the first, so that nothing below it moves.
        (me.isPending || membership?.suspended === false) && (
          <Navigation businessId={businessId} may={membership?.permissions ?? []} />
        )
      }
    >
      <Loaded query={me}>
        {() => {
          if (!membership) return <Screen title={text.notYours.title} about={text.notYours.about} />
          if (membership.suspended) return <Screen title={text.suspended.title} about={text.suspended.about} />
          return (
            <MembershipProvider value={membership}>
              <PlaceProvider value={membership.business.name}>
                <SupportBanner />
                <SubscriptionBanner />
                <LimitRemedy value={<SeePlans />}>
                  <Outlet />
                </LimitRemedy>
              </PlaceProvider>
            </MembershipProvider>
          )
        }}
      </Loaded>
    </PortalFrame>
  )
}

function SubscriptionBanner() {
  const membership = useMembership()
  const { businessId, subscription } = membership
  const open = useInfiniteQuery({
    ...invoicesQuery(businessId, 'open'),
    enabled: subscription?.status === 'past_due',
  })
  const { invoiceId } = useParams({ strict: false })
  const overdue = open.data
    ?.filter((invoice) => isOverdue(invoice, subscription))
    .toSorted((left, right) => Date.parse(left.dueAt ?? '') - Date.parse(right.dueAt ?? ''))
  const banner = bannerOf(membership, overdue)
  if (!banner) return null
  const params = { businessId }
  // What has been due for longest; while that is not known, to where it stands.
  const first = overdue?.[0]?.id
  return (
    <Alert color={banner.tone === 'info' ? 'accent' : banner.tone} title={banner.title} mb="lg">
      {banner.about}{' '}
      {banner.leadsTo === 'plan' && (
        <TextLink to="/b/$businessId/plan" params={params}>
          {plan.see}
        </TextLink>
      )}
      {banner.leadsTo === 'invoices' && first === undefined && (
        <TextLink to="/b/$businessId/invoices" params={params}>
          {invoices.seeHow}
        </TextLink>
      )}
      {banner.leadsTo === 'invoices' && first !== undefined && first !== invoiceId && (
        <TextLink to="/b/$businessId/invoices/$invoiceId" params={{ ...params, invoiceId: first }}>
          {invoices.seeHow}
        </TextLink>
      )}
    </Alert>
  )
}
