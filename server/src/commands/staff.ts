import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { resetLink } from '../users/mail.ts'
import { addStaff, listStaff, removeStaff } from '../users/staff.ts'
import { command } from './command.ts'
import { withContext } from './open.ts'
import { plural, print, printJson, remark, table } from './print.ts'

const operator = systemActor('command line')

export const add = command({
  positionals: ['EMAIL'],
  options: {
    unverified: { type: 'boolean', about: 'Also when the e-mail of an existing user has not been proved (production)' },
  },
  about:
    'Makes the user with this e-mail staff at once, in sessions that exist too. Where nobody has it, the user is created ' +
    'and a link printed that sets the password; it works once and for an hour. Asked for again, there is a new link.',
  run: ({ positionals: [emailAsWritten = ''], options, config }) =>
    withContext(config, async (ctx) => {
      const { email, isNewUser, emailVerified, resetToken } = await acrossBusinesses(ctx.db, async (tx) => {
        const added = await addStaff(tx, ctx, operator, emailAsWritten)
        // Anybody may have signed up with this e-mail; only the link in a mail proves whose it is.
        if (ctx.settings.production && !added.isNewUser && !added.emailVerified && !options.unverified) {
          throw new FreeholdError(
            'conflict',
            `${added.email} has not proved that e-mail, so somebody else may have signed up with it. ` +
              'Let them confirm it first, or repeat this with --unverified',
          )
        }
        return added
      })
      print(`${email} is staff`)
      if (!isNewUser && !emailVerified) remark('This user has not proved the e-mail yet: make sure that it is theirs')
      if (resetToken !== undefined) print(`Set the password (once, within an hour): ${resetLink(ctx, resetToken)}`)
    }),
})

export const list = command({
  options: { json: { type: 'boolean', about: 'Print JSON' } },
  about: 'Lists who is staff.',
  run: ({ options, config }) =>
    withContext(config, async (ctx) => {
      const items = await listStaff(ctx.db.across)
      if (options.json) return printJson({ items })
      if (items.length > 0) {
        const rows = items.map(({ email, name, since, signsIn }) => [email, name, since, signsIn ? 'yes' : 'not yet'])
        print(table(['E-MAIL', 'NAME', 'SINCE', 'HAS A PASSWORD'], rows))
      }
      remark(plural(items.length, 'person', 'people'))
    }),
})

export const remove = command({
  positionals: ['EMAIL'],
  about: 'Makes somebody staff no longer, at once. The user stays, and what they did stays in the log.',
  run: ({ positionals: [email = ''], config }) =>
    withContext(config, async (ctx) => {
      await acrossBusinesses(ctx.db, (tx) => removeStaff(tx, ctx, operator, email))
      print(`${email.toLowerCase()} is not staff any more`)
    }),
})
