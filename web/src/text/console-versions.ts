import { noun, nouns } from '../ui/page.ts'

/** A new version of a plan: what it sells, what that would mean, and who gets it. */
export const text = {
  action: 'New version',
  title: (plan: string) => `New version of ${plan}`,
  about: (version: number) => `It starts as version ${version} is. A version is never changed once it is published.`,
  archived: 'The plan is archived: nobody new gets what is published here.',
  prices: 'Prices',
  pricesHint: 'The first is the one a subscription gets by itself.',
  price: {
    name: 'Name',
    amount: 'Amount',
    currency: 'Currency',
    count: 'Every',
    unit: 'Unit',
    units: { day: 'Days', week: 'Weeks', month: 'Months', year: 'Years' },
    label: (name: string) => `Price ${name}`,
    add: 'Add a price',
    remove: 'Remove',
    nameNeeded: 'Each price has a name of its own',
  },
  terms: 'Terms',
  trialDays: 'Trial days',
  onTrialEnd: 'At the end of a trial that nobody pays for',
  onTrialEnds: { end: 'It ends', pause: 'It pauses until it is paid for' },
  onEnd: 'At the end of a cycle',
  onEnds: { renew: 'It renews', end: 'It ends', fallback: 'It falls back to another plan' },
  fallbackPlan: 'Falls back to',
  includes: 'Includes',
  feature: 'Feature',
  include: 'Included',
  limit: 'Limit',
  value: 'Value',
  limitOrValue: 'Limit or value',
  modes: { none: 'Not included', limit: 'Up to a limit', unlimited: 'Unlimited', beyond: 'Beyond a limit for a price' },
  switches: { none: 'Not included', on: 'On', off: 'Off' },
  values: { none: 'Not included', limit: 'A number' },
  beyond: {
    amount: (currency: string) => `Price in ${currency}`,
    units: 'For units',
    cap: (currency: string) => `At most in ${currency}`,
    capHint: 'No cap',
  },
  compare: 'See what it would mean',
  same: 'Nothing would change.',
  impact: {
    title: 'What it would mean',
    changes: 'Changes',
    field: 'What',
    from: 'Now',
    to: 'Then',
    firstPrice: 'First price',
    affected: (count: number, number: string) =>
      count === 0
        ? `No ${noun} is on the plan.`
        : count === 1
          ? `One ${noun} is on the plan.`
          : `${number} ${nouns} are on the plan.`,
    fits: 'Nobody has more in use than it allows.',
    exceeds: (count: number, number: string) =>
      count === 1
        ? `One ${noun} has more in use than it allows.`
        : `${number} ${nouns} have more in use than it allows.`,
    exceeding: 'More in use than it allows',
    first: (shown: string) => `The ${shown} furthest above are shown.`,
    business: 'Who',
    feature: 'Feature',
    used: 'In use',
    limit: 'Limit',
    frozen: 'Would be frozen',
  },
  publish: {
    existing: `Those on the plan`,
    choices: { keep: 'Keep their version', atRenewal: 'Move at their renewal', now: 'Move now' },
    meanings: {
      keep: `New ${nouns} get this version, everybody else stays where they are.`,
      atRenewal: 'Everybody gets it with their next cycle. Who has asked for another plan keeps that.',
      now: 'Everybody gets it at once; a cycle that is paid is never cut short. Nothing is charged for the rest of it.',
    },
    reason: 'Reason',
    reasonHint: 'Kept in the log.',
    submit: (version: number) => `Publish version ${version}`,
    done: (version: number) => `Version ${version} is published`,
  },
  offer: {
    action: 'Change the offer',
    title: (plan: string) => `How ${plan} is offered`,
    name: 'Name',
    hidden: 'Hidden: only staff give it',
    archived: 'Archived: nobody new gets it',
    submit: 'Save',
    done: 'The offer is changed',
  },
} as const
