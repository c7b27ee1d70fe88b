import { noun, product } from '../ui/page.ts'
import { label } from '../ui/words.ts'

/** Who did what in a business. */
export const text = {
  nav: 'Audit',
  title: 'Audit',
  about: `Everything that was done to and in this ${noun}, newest first.`,
  filters: 'Filters',
  actor: 'Who',
  anyActor: 'Anybody',
  actors: { staff: 'Support staff', key: 'API keys', app: `Software of ${product.name}`, system: 'Automatic' },
  members: 'Members',
  groups: 'Others',
  action: 'What',
  anyAction: 'Anything',
  actions: {
    business: `The ${noun}`,
    member: 'Members',
    invitation: 'Invitations',
    api_key: 'API keys',
    subscription: 'Subscription',
    invoice: 'Invoices',
    payment: 'Payments',
    credit: 'Credit',
    limit: 'Limits',
    grant: 'Grants',
    usage: 'Usage',
    support_access: 'Support access',
    support_session: 'Support sessions',
    user: 'Sign-in of members',
  },
  from: 'Since',
  empty: 'Nothing yet.',
  time: 'Time',
  target: 'On what',
  changed: 'What changed',
  set: (name: string, value: string) => `${name}: ${value}`,
  changedFrom: (name: string, before: string, after: string) => `${name}: from ${before} to ${after}`,
  was: (name: string, before: string) => `${name}: was ${before}`,
  onBehalf: 'in a support session',
  name: (name: string) => names[name] ?? label(name),
  actionName: (action: string) => label(action.replaceAll('.', ' ')),
} as const

/** Where the server's own name for something is none that people have. */
const names: Record<string, string> = {
  awaitingPayment: 'Waits for its payment',
  cancelAtCycleEnd: 'Ends with the cycle',
  creditApplied: 'Paid from credit',
  dueAt: 'Due',
  effectiveAt: 'Counts from',
  expiresAt: 'Expires',
  externalId: 'Your own reference',
  hint: 'Key',
  pauseAtCycleEnd: 'Pauses at the end of the cycle',
  pendingChange: 'Changes at the end of the cycle to',
}
