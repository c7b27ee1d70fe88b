/** About the subscription, above every screen. Without the page's words: the rule is tested by itself. */
export const text = {
  askOwner: 'Ask an owner to go on.',
  suspended: {
    title: 'This account is suspended',
    about: 'You can read everything. Contact support to have it lifted.',
  },
  closed: { title: 'This account is closed', about: 'It can be reopened for 30 days after it was closed.' },
  ended: { title: 'The subscription has ended', about: 'Everything is kept, and can be read.' },
  pastDue: (amount: string, since: string) => `A payment of ${amount} is overdue since ${since}`,
  somethingDue: 'A payment is overdue',
  stillOpen: 'Everything still works.',
  openUntil: (at: string) => `Everything still works until ${at}.`,
  readOnly: 'Until it is paid you can read, export, remove members and revoke keys, and change nothing else.',
  paused: { title: 'The subscription is paused', about: 'Nothing is counted and nothing is charged.' },
  ends: (plan: string, at: string) => `${plan} ends on ${at}`,
  pauses: (plan: string, at: string) => `${plan} pauses on ${at}`,
  changes: (plan: string, at: string) => `The plan changes to ${plan} on ${at}`,
  untilThen: 'Until then everything stays as it is.',
  bar: {
    suspended: 'Not while the account is suspended',
    closed: 'Not while the account is closed',
    ended: 'Not without a subscription',
    readOnly: 'Not while a payment is overdue',
  },
} as const
