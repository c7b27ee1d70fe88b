import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Refusal, type Schemas } from '../../api.ts'
import { text } from '../../text/console-business.ts'
import { PlaceLink, Places } from '../../ui/frame.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Actions } from '../actions/actions.tsx'
import { Status } from '../businesses/status.tsx'
import { businessQuery } from '../data.ts'
import { NotFound } from '../not-found.tsx'
import classes from './business.module.css'
import { Keys } from './keys.tsx'
import { Overview } from './overview.tsx'
import { People } from './people.tsx'
import { Subscription } from './subscription.tsx'
import { Support } from './support.tsx'
import { tabs, type Tab } from './tabs.ts'
import { Timeline } from './timeline.tsx'
import { Usage } from './usage.tsx'

const route = getRouteApi('/businesses/$businessId')

/** One business: what there is to know in tabs, what can be done beside them. */
export function BusinessPage() {
  const { businessId } = route.useParams()
  const { tab = 'overview' } = route.useSearch()
  const business = useQuery(businessQuery(businessId))
  if (business.error instanceof Refusal && business.error.status === 404) return <NotFound />
  return (
    <Loaded query={business}>
      {(known) => (
        <Screen key={known.id} title={known.name} about={<Summary of={known} />}>
          <Tabs businessId={businessId} current={tab} />
          <div className={classes.page}>
            <section className={classes.tab} aria-label={text.tabs[tab]}>
              {views[tab](known)}
            </section>
            <Actions business={known} />
          </div>
        </Screen>
      )}
    </Loaded>
  )
}

const views: Record<Tab, (business: Schemas['StaffBusinessPage']) => ReactNode> = {
  overview: (business) => <Overview business={business} />,
  usage: (business) => <Usage business={business} />,
  people: (business) => <People business={business} />,
  keys: (business) => <Keys business={business} />,
  subscription: (business) => <Subscription business={business} />,
  timeline: (business) => <Timeline business={business} />,
  support: (business) => <Support business={business} />,
}

function Summary({ of }: { of: Schemas['StaffBusinessPage'] }) {
  return (
    <Stack component="span" gap={4} align="flex-start">
      <span className={classes.summary}>
        <Status of={of} />
        <Text span>{of.plan?.name}</Text>
        <Text span>{of.owner?.email}</Text>
      </span>
      {of.statusReason !== null && <Text span>{text.because(of.statusReason)}</Text>}
    </Stack>
  )
}

function Tabs({ businessId, current }: { businessId: string; current: Tab }) {
  return (
    <Places label={text.tabs.label} className={classes.tabs}>
      {tabs.map((tab) => (
        <PlaceLink
          key={tab}
          to="/businesses/$businessId"
          params={{ businessId }}
          search={tab === 'overview' ? {} : { tab }}
          activeOptions={{ exact: true }}
          aria-current={tab === current ? 'page' : undefined}
        >
          {text.tabs[tab]}
        </PlaceLink>
      ))}
    </Places>
  )
}
