import { Noun, noun } from '../ui/page.ts'

/** What a business is called, who owns it, and its end. */
export const text = {
  nav: 'Settings',
  title: 'Settings',
  general: `About this ${noun}`,
  name: 'Name',
  externalId: 'Your own reference',
  externalIdHint: `What your own systems call this ${noun}. No two have the same.`,
  id: `${Noun} ID`,
  save: 'Save',
  saved: 'Saved',
  danger: 'Danger zone',
  transfer: {
    title: 'Transfer ownership',
    about: 'Another member becomes the owner, and you an admin.',
    nobody: 'Nobody else is here yet. Invite somebody first.',
    action: 'Transfer',
    dialog: 'Transfer ownership',
    to: 'New owner',
    choose: 'Choose a member',
    warning: 'You cannot take it back yourself: only the new owner can.',
    submit: 'Transfer',
    done: (name: string) => `${name} is the owner now`,
  },
  close: {
    title: `Close this ${noun}`,
    about: 'Everything in it stops. You can undo it for 30 days.',
    action: 'Close',
    dialog: (name: string) => `Close ${name}?`,
    consequences: [
      'Its API keys are refused from now on.',
      'Members can read everything, and change nothing.',
      'Nothing can be used, and nothing new is charged.',
      'You can reopen it for 30 days.',
    ],
    submit: `Close this ${noun}`,
    done: (name: string) => `${name} is closed`,
  },
  reopen: {
    title: `Reopen this ${noun}`,
    until: 'Everything is as it was once you reopen it. Possible until',
    late: 'The 30 days are over. Contact support.',
    action: 'Reopen',
    dialog: (name: string) => `Reopen ${name}?`,
    done: (name: string) => `${name} is open again`,
  },
} as const
