/** What is done automatically, by the name that the server has for it. */
export const automatic: Record<string, string> = {
  renewal: 'Automatic renewal',
  billing: 'Automatic invoicing',
  charging: 'Automatic payment',
  dunning: 'Payment reminders',
  'late-overages': 'Billing of late usage',
  closing: 'Automatic closing',
  limits: 'New limits of a plan',
  verify: 'Check of counts',
  'command line': 'Command line',
  demo: 'Demo data',
}
