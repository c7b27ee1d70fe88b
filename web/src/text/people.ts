import { capital, noun, product } from '../ui/page.ts'

/** Signing up, in and out. */
export const text = {
  firstName: 'First name',
  lastName: 'Last name',
  email: 'E-mail',
  password: 'Password',
  passwordHint: '8 characters or more. A few words make a good one.',
  signUp: {
    title: 'Create your account',
    about: `Start with ${product.name}.`,
    businessName: `${capital(noun)} name`,
    submit: 'Create account',
    haveAccount: 'You have an account already?',
    signIn: 'Sign in',
    checkMail: {
      title: 'Look into your mailbox',
      about: (email: string) => `We have sent a link to ${email}. Open it to finish signing up.`,
    },
  },
} as const
