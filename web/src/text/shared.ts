import { capital } from '../ui/words.ts'

/** What the screens have in common. Every text that is shown stands in this folder, and nowhere else. */
export const text = {
  retry: 'Retry',
  failed: 'This could not be loaded',
  loading: 'Loading',
  requestId: (id: string) => `Request ${id}`,
  fieldError,
  unreachable: 'The server cannot be reached. Are you online?',
  unforeseen: 'Something went wrong',
  broken: { title: 'This page did not work' },
  undo: 'Undo',
  notFound: {
    title: 'Not found',
    about: 'There is nothing at this address, or it is not yours to see.',
    back: 'Go to the start',
  },
  forbidden: {
    title: 'This is not for your role',
    about: (mine: string, needed: string) => `Your role here is ${mine}. This needs ${needed}.`,
    owners: (names: string) => `An owner can change that: ${names}.`,
  },
  unlimited: 'Unlimited',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Select the text and copy it yourself: the browser does not allow it to us.',
  cancel: 'Cancel',
  close: 'Close',
  more: 'Show more',
  nothingMatches: 'Nothing matches.',
  clearFilters: 'Clear filters',
  csv: 'Download CSV',
  actions: 'Actions',
  skip: 'Skip to content',
  never: 'Never',
  none: '–',
  yes: 'yes',
  no: 'no',
  showPassword: 'Show password',
  appearance: { label: 'Appearance', auto: 'System appearance', light: 'Light', dark: 'Dark' },
  menu: 'Menu',
  typeToConfirm: (word: string) => `Type ${word} to confirm`,
  meter: {
    used: (used: string, limit: string) => `${used} of ${limit}`,
    unlimited: (used: string) => `${used} (unlimited)`,
    resets: 'Resets',
    blocked: 'The limit is reached.',
    near: 'Close to the limit.',
  },
} as const

/** What a validator says of a field, as people say it. */
function fieldError(message: string): string {
  const [, least] = /fewer than (\d+) characters/.exec(message) ?? []
  const [, most] = /more than (\d+) characters/.exec(message) ?? []
  if (least === '1' || message === 'is required') return 'This is needed.'
  if (least !== undefined) return `At least ${least} characters.`
  if (most !== undefined) return `At most ${most} characters.`
  if (message === 'must be an e-mail address') return 'This is not an e-mail address.'
  return `${capital(message)}${/[.!?]$/.test(message) ? '' : '.'}`
}
