import { Noun, noun, nouns } from '../ui/page.ts'
import { capital } from '../ui/words.ts'

/** A person, as staff see them. */
export const text = {
  in: 'May get in',
  out: 'Locked out',
  email: 'E-mail',
  id: 'Id',
  since: 'Since',
  outSince: 'Locked out',
  memberships: `${capital(nouns)} they belong to`,
  nowhere: `They belong to no ${noun}.`,
  business: Noun,
  role: 'Role',
  state: 'State',
  active: 'Active',
  suspended: 'Suspended',
  getsIn: `Into their ${nouns}`,
  yes: 'may get in',
  no: 'may not get in',
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
    done: (name: string) => `${name} may get in again`,
  },
  changeRole: {
    action: 'Change the role',
    title: (name: string) => `Change the role of ${name}`,
    role: 'Role',
    done: (name: string) => `The role of ${name} is changed`,
  },
} as const
