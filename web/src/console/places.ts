import { text as plans } from '../text/console-plans.ts'
import { text } from '../text/console.ts'
import { text as explain } from '../text/explain.ts'

/** Where one can go in the console: a line for each screen. */
export const places = [
  { to: '/', name: text.screens.queue },
  { to: '/businesses', name: text.businesses.title },
  { to: '/subscriptions', name: text.screens.subscriptions },
  { to: '/plans', name: plans.title },
  { to: '/metrics', name: text.screens.metrics },
  { to: '/support-sessions', name: text.screens.support },
  { to: '/audit', name: text.screens.audit },
  { to: '/jobs', name: text.screens.jobs },
  { to: '/mail', name: text.screens.mail },
  { to: '/explain', name: explain.nav },
] as const
