import { Noun, noun, product } from '../ui/page.ts'

/** Signing up, in and out; a forgotten password; a proved e-mail. */
export const text = {
  firstName: 'First name',
  lastName: 'Last name',
  email: 'E-mail',
  password: 'Password',
  newPassword: 'New password',
  passwordHint: '8 characters or more. A few words make a good one.',
  toSignIn: 'Sign in',
  signUp: {
    title: 'Create your account',
    about: `Start with ${product.name}.`,
    businessName: `${Noun} name`,
    submit: 'Create account',
    haveAccount: 'Already have an account?',
    checkMail: {
      title: 'Check your mail',
      about: (email: string) => `We have sent a link to ${email}. Open it to finish signing up.`,
    },
    invited: {
      title: 'Sign-up is by invitation',
      about: 'Ask somebody who is here already to invite you. The link in the mail lets you in.',
    },
    closed: { title: 'Sign-up is closed', about: 'No new accounts are made at the moment.' },
  },
  signIn: {
    title: 'Sign in',
    submit: 'Sign in',
    forgot: 'Forgot your password?',
    noAccount: 'No account yet?',
    signUp: 'Create one',
  },
  social: {
    or: 'or',
    continueWith: (provider: string) => `Continue with ${provider}`,
    waiting: (provider: string) => `Signing in with ${provider}`,
    failed: (provider: string) => `Signing in with ${provider} did not work`,
    denied: 'You have not let it tell us who you are. Nothing has happened: try again, or use your password.',
    incomplete: (provider: string) => `${provider} gave no answer that we can use. Start again from the sign-in page.`,
    back: 'Back to sign-in',
    toReset: 'Reset the password',
    emailFrom: (provider: string) => `Confirmed by ${provider}.`,
    again: 'Start again',
  },
  finish: {
    title: 'One thing is left',
    about: `Check your name, and say what your ${noun} is called.`,
  },
  twoFactor: {
    title: 'Two-factor sign-in',
    about: 'Enter the code from your authenticator app, or a backup code.',
    code: 'Code',
    submit: 'Continue',
    startAgain: 'Start again',
  },
  forgot: {
    title: 'Forgot your password?',
    about: 'We mail you a link to choose a new one.',
    submit: 'Send the link',
    back: 'Back to sign-in',
    sent: {
      title: 'Check your mail',
      about: (email: string) =>
        `If ${email} belongs to an account, a link is on its way. It works for one hour, and only the newest one does.`,
    },
  },
  reset: {
    title: 'Choose a new password',
    about: 'You will be signed out everywhere else.',
    submit: 'Set the password',
    noToken: {
      title: 'This link is not complete',
      about: 'Open the link in your mail again, or ask for a new one.',
      action: 'Ask for a new link',
    },
  },
  verify: {
    title: 'Confirm your e-mail',
    about: 'One press, and it is done.',
    submit: 'Confirm',
    done: { title: 'Your e-mail is confirmed', about: 'Thank you. That was all.', action: 'Continue' },
    noToken: { title: 'This link is not complete', about: 'Open the link in your mail again.' },
  },
} as const
