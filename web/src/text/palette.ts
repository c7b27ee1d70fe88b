/** Going anywhere by typing. */
export const text = {
  find: 'Search',
  key: 'Search, Ctrl K',
  keyOnMac: 'Search, ⌘K',
  title: 'Find or go to',
  found: 'Found',
  nothing: 'Nothing is found.',
  searching: 'Searching',
  results: (count: number) => (count === 1 ? '1 result' : `${count} results`),
} as const
