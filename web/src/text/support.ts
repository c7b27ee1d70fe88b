import { noun, product } from '../ui/page.ts'

/** Who of the product's staff may look into a business's account, and who did. */
export const text = {
  nav: 'Support access',
  title: 'Support access',
  about: `When ${product.name} staff look into this ${noun}, you see who, why and until when. They never see passwords or secret keys.`,
  policy: {
    title: 'Who may look in',
    readOnly: 'Who may look in is decided by those who manage support access.',
    choices: {
      always: { label: 'Staff may look in', about: 'Owners get a mail each time.' },
      ask: { label: 'Staff have to ask', about: 'Nothing happens until one of you approves.' },
      never: { label: 'Nobody may look in', about: 'Support knows only what you tell them.' },
    },
    save: 'Save',
    saved: 'Saved',
    ends: 'This ends the sessions that are going on.',
  },
  sessions: {
    title: 'Sessions',
    empty: 'Support has not looked in yet.',
    who: 'Who',
    did: 'What they did',
    why: 'Why',
    access: 'Access',
    accesses: { read: 'Read', write: 'Read and change' },
    minutes: (minutes: number) => (minutes > 60 && minutes % 60 === 0 ? `${minutes / 60} hours` : `${minutes} minutes`),
    state: 'Status',
    states: { requested: 'Asks', refused: 'Refused', active: 'Looking in', ended: 'Ended', expired: 'Over' },
    started: 'Started',
    until: 'Ends',
  },
  approve: 'Approve',
  refuse: 'Refuse',
  end: 'End',
  questions: {
    approve: (name: string) => `Let ${name} look in?`,
    refuse: (name: string) => `Refuse ${name}?`,
    end: (name: string) => `End the session of ${name}?`,
  },
  because: (reason: string) => `The reason they gave: ${reason}`,
  done: {
    approve: (name: string) => `${name} may look in`,
    refuse: (name: string) => `${name} may not look in`,
    end: (name: string) => `The session of ${name} has ended`,
  },
  banner: {
    active: (name: string) => `${name} from support is looking in`,
    requested: (name: string) => `${name} from support asks to look in`,
    see: 'See or end it',
    answer: 'Answer',
  },
} as const
