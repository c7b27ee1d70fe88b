/** About the subscription, above every screen. Without the page's words: the rule is tested by itself. */
export const text = {
  askOwner: 'Ask an owner to go on.',
  suspended: {
    title: 'Suspended: nothing can be changed',
    about: 'You can still read everything. Contact support to have it lifted.',
  },
  closed: { title: 'Closed: nothing can be changed', about: 'It can be reopened for 30 days after it was closed.' },
  ended: { title: 'The subscription has ended', about: 'Everything is kept, and can be read.' },
  pastDue: (amount: string, since: string) => `A payment of ${amount} has been overdue since ${since}`,
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
    suspended: 'Not while it is suspended',
    closed: 'Not while it is closed',
    ended: 'Not without a subscription',
    readOnly: 'Not while a payment is overdue',
  },
} as const
