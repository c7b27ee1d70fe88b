import { article } from '../ui/words.ts'
import { noun, product } from '../ui/page.ts'

/** Coming in by an invitation. */
export const text = {
  title: (business: string) => `Join ${business}`,
  about: (inviter: string | null, role: string) => `${inviter ?? product.name} invites you as ${role}.`,
  email: 'E-mail',
  emailHint: 'The invitation is for this address.',
  password: 'Password',
  passwordHint: '8 characters or more. A few words make a good one.',
  submit: 'Join',
  signInFirst: (email: string) => `There is an account for ${email} already. Sign in with it to join.`,
  signIn: 'Sign in to join',
  introducedAsOther: (email: string) =>
    `You have come back as ${email}. The invitation is for another address: use an account that has it.`,
  other: {
    about: (mine: string, theirs: string) => `You are signed in as ${mine}. The invitation is for ${theirs}.`,
    switch: 'Switch account',
    stay: 'Stay as you are',
  },
  open: `Open the ${noun}`,
  toBusinesses: 'Continue',
  expired: {
    title: 'The invitation has expired',
    about: 'Invitations work for seven days. Ask whoever invited you for a new one.',
  },
  accepted: {
    title: 'The invitation has been used',
    about: `Sign in to open the ${noun}.`,
  },
  already: { title: 'You are already a member', about: `The ${noun} is in your list.` },
  full: {
    title: 'The team is full',
    about: 'There is no free seat at the moment. The invitation stays valid: try again when an owner has made room.',
  },
  // The same for a revoked one and one that never was: nobody learns which.
  invalid: {
    title: 'This invitation does not work',
    about: `Ask for a new one. If the link was cut off in the mail, open it again. It leads into ${article(noun)} of ${product.name}.`,
  },
} as const
