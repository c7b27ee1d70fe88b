import type { Composing, Mail } from '../mail/mail.ts'
import { moment, named } from '../mail/wording.ts'

/** Tokens travel in the fragment: it is never sent to a server, so it is in nobody's log. */
const link = (ctx: Composing, path: string, token: string) => `${ctx.settings.publicUrl}${path}#token=${token}`

export const verificationMail = (ctx: Composing, { token, email }: { token: string; email: string }): Mail => ({
  template: 'email-verification',
  subject: `Confirm your e-mail for ${ctx.product.name}`,
  title: 'Confirm your e-mail',
  paragraphs: [`Please confirm that ${email} is yours, so that we can reach you about ${ctx.product.name}.`],
  action: { label: 'Confirm e-mail', url: link(ctx, '/verify-email', token) },
  note: 'The link works for 24 hours. If you did not ask for it, ignore this mail: nothing happens.',
})

export const alreadySignedUpMail = (ctx: Composing): Mail => ({
  template: 'already-signed-up',
  subject: `You already have an account with ${ctx.product.name}`,
  title: 'You already have an account',
  paragraphs: ['Somebody, perhaps you, tried to sign up with this e-mail. It has an account already.'],
  action: { label: 'Sign in', url: `${ctx.settings.publicUrl}/sign-in` },
  note: 'Forgot your password? You can reset it from the sign-in page.',
})

export type Welcome = {
  firstName: string
  business: { id: string; name: string } | null
  /** Of somebody who was invited. */
  role?: string
  /** Of somebody who founded the business. */
  plan?: { name: string; trialEnd: Date | null; zone: string }
}

/** Once somebody's e-mail is proved for the first time: before that it may be anybody's. */
export function welcomeMail(ctx: Composing, { firstName, business, role, plan }: Welcome): Mail {
  const { name, noun } = ctx.product
  const of = business && named(business.name)
  const place =
    of === null
      ? `Your account with ${name} is ready.`
      : role === undefined
        ? `Your account is ready, and so is your ${noun} “${of}”.`
        : `You are now a member of the ${noun} “${of}”.`
  return {
    template: 'welcome',
    subject: `Welcome to ${name}`,
    title: firstName === '' ? `Welcome to ${name}` : `Welcome, ${named(firstName)}`,
    paragraphs: [place],
    facts: {
      [capital(noun)]: of,
      'Your role': role ?? null,
      Plan: plan?.name ?? null,
      'Trial until': plan?.trialEnd ? moment(plan.trialEnd, plan.zone) : null,
    },
    action: business
      ? { label: `Open ${of}`, url: `${ctx.settings.publicUrl}/b/${business.id}` }
      : { label: `Open ${name}`, url: ctx.settings.publicUrl },
  }
}

export const passwordResetMail = (ctx: Composing, token: string): Mail => ({
  template: 'password-reset',
  subject: `Reset your ${ctx.product.name} password`,
  title: 'Reset your password',
  paragraphs: ['Choose a new password with the button below. You will be signed out everywhere else.'],
  action: { label: 'Choose a new password', url: link(ctx, '/reset-password', token) },
  note: 'The link works for one hour, and only the newest one does. If you did not ask for it, ignore this mail.',
})

export const passwordChangedMail = (ctx: Composing): Mail => ({
  template: 'password-changed',
  subject: `Your ${ctx.product.name} password was changed`,
  title: 'Your password was changed',
  paragraphs: ['Your password was changed and every other session ended.'],
  action: { label: 'That was not me', url: `${ctx.settings.publicUrl}/forgot-password` },
  note: 'If it was you, there is nothing to do. If not, reset your password now and tell us.',
})

export const emailChangedMail = (ctx: Composing, newEmail: string): Mail => ({
  template: 'email-changed',
  subject: `Your ${ctx.product.name} e-mail was changed`,
  title: 'Your e-mail was changed',
  paragraphs: ['From now on you sign in with your new e-mail. Mails to you go there too; this is the last one here.'],
  facts: { 'New e-mail': newEmail },
  note: 'If that was not you, answer this mail at once.',
})

export const twoFactorMail = (ctx: Composing, isOn: boolean): Mail => ({
  template: isOn ? 'two-factor-on' : 'two-factor-off',
  subject: `Two-factor sign-in for ${ctx.product.name} is ${isOn ? 'on' : 'off'}`,
  title: `Two-factor sign-in is ${isOn ? 'on' : 'off'}`,
  paragraphs: [
    isOn
      ? 'From now on, signing in asks for a code from your authenticator as well as your password.'
      : 'From now on, your password alone signs you in.',
  ],
  action: { label: 'That was not me', url: `${ctx.settings.publicUrl}/forgot-password` },
  note: 'If it was you, there is nothing to do. If not, reset your password now and tell us.',
})

export const loginLinkedMail = (ctx: Composing, provider: string): Mail => ({
  template: 'login-linked',
  subject: `You can sign in to ${ctx.product.name} with ${provider}`,
  title: `You can sign in with ${provider}`,
  paragraphs: [`Your account with ${provider} has this e-mail, so it signs you in from now on.`],
  action: { label: 'That was not me', url: `${ctx.settings.publicUrl}/forgot-password` },
  note: `If it was you, there is nothing to do. If not, look after your account with ${provider}, reset your password here and tell us.`,
})

export const loginUnlinkedMail = (ctx: Composing, provider: string): Mail => ({
  template: 'login-unlinked',
  subject: `${provider} does not sign you in to ${ctx.product.name} any more`,
  title: `${provider} does not sign you in any more`,
  paragraphs: [`Your account with ${provider} was unlinked, and every other session ended.`],
  action: { label: 'That was not me', url: `${ctx.settings.publicUrl}/forgot-password` },
  note: 'If it was you, there is nothing to do. If not, reset your password now and tell us.',
})

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

/** For staff who were added by e-mail: the command prints the same link. */
export const resetLink = (ctx: Composing, token: string) => link(ctx, '/reset-password', token)
