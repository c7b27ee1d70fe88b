import { capital } from '../ui/page.ts'

/** What the screens have in common. Every text that is shown stands in this folder, and nowhere else. */
export const text = {
  retry: 'Retry',
  failed: 'This could not be loaded',
  requestId: (id: string) => `Request ${id}`,
  fieldError: (message: string) => `${capital(message)}${/[.!?]$/.test(message) ? '' : '.'}`,
  notFound: { title: 'Not found', about: 'There is nothing at this address, or it is not yours to see.' },
  unlimited: 'Unlimited',
  copy: 'Copy',
  copied: 'Copied',
  cancel: 'Cancel',
  close: 'Close',
  skip: 'Skip to content',
  never: 'Never',
  showPassword: 'Show password',
} as const
