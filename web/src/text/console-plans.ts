import { capital } from '../ui/words.ts'
import { nouns } from '../ui/page.ts'

/** What is sold, for staff. */
export const text = {
  title: 'Plans',
  empty: 'There is no plan.',
  name: 'Plan',
  key: 'Key',
  state: 'Status',
  public: 'Public',
  hidden: 'Hidden',
  archived: 'Archived',
  version: 'Version',
  price: 'Price',
  trial: 'Trial',
  trialDays: (days: number) => (days === 1 ? '1 day' : `${days} days`),
  customers: capital(nouns),
  includes: 'Includes',
  versions: 'Versions',
  published: 'Published',
  withOverage: (limit: string, price: string, units: string) =>
    `${limit}, then ${price} ${units === '' ? 'each' : `for ${units}`}`,
  on: 'On',
  off: 'Off',
} as const
