import { capital, words } from '../ui/words.ts'

/** Moving the development server's clock. */
export const text = {
  open: 'Move the clock',
  title: 'Move the clock',
  about:
    'Of this development server, for everybody on it, and only forward. Cycles end, trials run out and reminders go out as they would.',
  now: 'It is now',
  choices: { day: '1 day', week: '1 week', month: '30 days' },
  toRenewal: 'To the end of the cycle',
  moved: (to: string) => `It is ${to} now`,
  simulated: (at: string) => `Simulated time: ${at}`,
  mails: 'All mails of this server',
  since: (from: string) => `Since it was moved the last time, at ${from}`,
  at: 'When',
  what: 'What',
  where: 'Where',
  nothing: 'Nothing has happened yet. It takes a moment, and a worker that runs.',
  event: (type: string) => capital(words(type.replaceAll('.', ' '))),
  mail: (to: string, subject: string) => `Mail to ${to}: ${subject}`,
} as const
