import { Noun, noun, nouns } from '../ui/page.ts'
import { capital } from '../ui/words.ts'

/** A person, as staff see them. */
export const text = {
  in: 'Can sign in',
  out: 'Locked out',
  email: 'E-mail',
  id: 'ID',
  since: 'Since',
  outSince: 'Locked out',
  memberships: `${capital(nouns)} they belong to`,
  nowhere: `They belong to no ${noun}.`,
  business: Noun,
  role: 'Role',
  state: 'Status',
  active: 'Active',
  suspended: 'Suspended',
  getsIn: `Into their ${nouns}`,
  yes: 'can sign in',
  no: 'cannot sign in',
  sessions: 'Where they are signed in',
  end: 'they are signed out',
  lockOut: {
    action: 'Lock out',
    title: (name: string) => `Lock ${name} out everywhere?`,
    done: (name: string) => `${name} is locked out`,
  },
  letIn: {
    action: 'Let in again',
    title: (name: string) => `Let ${name} in again?`,
    done: (name: string) => `${name} can sign in again`,
  },
  changeRole: {
    action: 'Change the role',
    title: (name: string) => `Change the role of ${name}`,
    role: 'Role',
    done: (name: string) => `The role of ${name} is changed`,
  },
} as const
