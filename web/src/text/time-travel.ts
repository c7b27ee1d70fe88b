import { label } from '../ui/words.ts'

/** Moving the development server's clock. */
export const text = {
  open: 'Move the clock',
  title: 'Move the clock',
  about:
    'Moves the time of this development server forward, for everybody on it: cycles end, trials run out and reminders are sent.',
  now: 'It is now',
  choices: { day: '1 day', week: '1 week', month: '30 days' },
  toRenewal: 'To the end of the cycle',
  moved: (to: string) => `It is ${to} now`,
  simulated: (at: string) => `Simulated time: ${at}`,
  mails: 'All mails of this server',
  since: (from: string) => `Since the last move, at ${from}`,
  at: 'When',
  what: 'What',
  where: 'Where',
  nothing: 'Nothing has happened yet. It takes a moment, and a worker that runs.',
  event: (type: string) => label(type.replaceAll('.', ' ')),
  mail: (to: string, subject: string) => `Mail to ${to}: ${subject}`,
} as const
