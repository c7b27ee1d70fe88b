import { Noun, noun, nouns } from '../ui/page.ts'
import { capital } from '../ui/words.ts'

/** What staff see around every screen, and how they find businesses. */
export const text = {
  name: 'Console',
  navigation: 'Console',
  signOut: 'Sign out',
  screens: {
    queue: 'To do',
    subscriptions: 'Subscriptions',
    support: 'Support sessions',
    audit: 'Staff log',
    jobs: 'Jobs',
    mail: 'Mail',
    metrics: 'Metrics',
  },
  forbidden: {
    title: 'The console is for staff',
    about: (email: string) =>
      `You are signed in as ${email}, who is not staff. Whoever runs this server adds people: freehold staff add ${email}`,
    toPortal: 'Go to the start',
    asOther: 'Sign in as somebody else',
  },
  businesses: {
    title: capital(nouns),
    search: `Find ${nouns}`,
    hint: 'Name, e-mail, ID or API key',
    submit: 'Find',
    status: 'Status',
    plan: 'Plan',
    sort: 'Order',
    any: 'Any',
    orders: { newest: 'Newest first', oldest: 'Oldest first', name: 'By name', cycleEnd: 'Cycle ends first' },
    name: Noun,
    owner: 'Owner',
    noOwner: 'Nobody',
    noPlan: 'None',
    cycleEnd: 'Cycle ends',
    created: 'Created',
    empty: `There is no ${noun} yet. It appears here with the first sign-up.`,
  },
  status: {
    trialing: 'Trial',
    active: 'Active',
    past_due: 'Past due',
    paused: 'Paused',
    ended: 'Ended',
    ending: 'Ending',
    suspended: 'Suspended',
    closed: 'Closed',
    none: 'No subscription',
  },
} as const
