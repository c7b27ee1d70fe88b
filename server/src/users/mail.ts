import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { sendMail } from '../mail/mail.ts'

/** Tokens travel in the fragment: it is never sent to a server, so it is in nobody's log. */
const link = (ctx: Context, path: string, token: string) => `${ctx.settings.publicUrl}${path}#token=${token}`

export const mailVerification = (tx: Tx, ctx: Context, to: string, token: string) =>
  sendMail(tx, ctx, {
    template: 'email-verification',
    to,
    content: {
      subject: `Confirm your e-mail for ${ctx.product.name}`,
      paragraphs: [`Please confirm that this is your e-mail, so that we can reach you about ${ctx.product.name}.`],
      action: { label: 'Confirm e-mail', url: link(ctx, '/verify-email', token) },
      note: 'The link works for 24 hours. If you did not sign up, ignore this mail: nothing happens.',
    },
  })

export const mailAlreadySignedUp = (tx: Tx, ctx: Context, to: string) =>
  sendMail(tx, ctx, {
    template: 'already-signed-up',
    to,
    content: {
      subject: `You already have an account with ${ctx.product.name}`,
      paragraphs: ['Somebody, perhaps you, tried to sign up with this e-mail. It has an account already.'],
      action: { label: 'Sign in', url: `${ctx.settings.publicUrl}/sign-in` },
      note: 'Forgotten the password? You can reset it from the sign-in page.',
    },
  })

export const mailPasswordReset = (tx: Tx, ctx: Context, to: string, token: string) =>
  sendMail(tx, ctx, {
    template: 'password-reset',
    to,
    content: {
      subject: `Reset your ${ctx.product.name} password`,
      paragraphs: ['Choose a new password with the button below. You will be signed out everywhere else.'],
      action: { label: 'Choose a new password', url: link(ctx, '/reset-password', token) },
      note: 'The link works for one hour, and only the newest one does. If you did not ask for it, ignore this mail.',
    },
  })

export const mailPasswordChanged = (tx: Tx, ctx: Context, to: string) =>
  sendMail(tx, ctx, {
    template: 'password-changed',
    to,
    content: {
      subject: `Your ${ctx.product.name} password was changed`,
      paragraphs: ['Your password was changed and every other session ended.'],
      note: 'If that was not you, reset your password now and tell us.',
    },
  })

export const mailEmailChanged = (tx: Tx, ctx: Context, to: string, newEmail: string) =>
  sendMail(tx, ctx, {
    template: 'email-changed',
    to,
    content: {
      subject: `Your ${ctx.product.name} e-mail was changed`,
      paragraphs: [`From now on you sign in as ${newEmail}.`],
      note: 'If that was not you, answer this mail at once.',
    },
  })

export const mailTwoFactor = (tx: Tx, ctx: Context, to: string, isOn: boolean) =>
  sendMail(tx, ctx, {
    template: isOn ? 'two-factor-on' : 'two-factor-off',
    to,
    content: {
      subject: `Two-factor sign-in for ${ctx.product.name} is ${isOn ? 'on' : 'off'}`,
      paragraphs: [
        isOn
          ? 'From now on, signing in asks for a code of your authenticator besides your password.'
          : 'From now on, your password alone signs you in.',
      ],
      note: 'If that was not you, reset your password now and tell us.',
    },
  })

export const mailLoginLinked = (tx: Tx, ctx: Context, to: string, provider: string) =>
  sendMail(tx, ctx, {
    template: 'login-linked',
    to,
    content: {
      subject: `You can sign in to ${ctx.product.name} with ${provider}`,
      paragraphs: [`Your account with ${provider} has this e-mail, so it signs you in from now on.`],
      note: `If that was not you, look after your account with ${provider}, then reset your password here and tell us.`,
    },
  })

/** For staff who were added by e-mail: the command prints the same link. */
export const resetLink = (ctx: Context, token: string) => link(ctx, '/reset-password', token)
