import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { skipEvent, stuckEvents } from '../background/stuck-events.ts'
import { command, UsageError } from './command.ts'
import { withContext } from './open.ts'
import { plural, print, printJson, remark, table } from './print.ts'

const most = 1000

export const stuck = command({
  options: { json: { type: 'boolean', about: 'Print JSON' } },
  about: 'Lists the events whose handler has failed; the later events of their businesses wait for them.',
  run: ({ options, config }) =>
    withContext(config, async (ctx) => {
      const items = await stuckEvents(ctx.db.across, most)
      if (options.json) return printJson({ items })
      if (items.length > 0) {
        const rows = items.map(({ id, businessId, type, at, attempts, error }) => [
          id,
          businessId,
          type,
          at.toISOString(),
          String(attempts),
          error ?? '',
        ])
        print(table(['EVENT', 'BUSINESS', 'TYPE', 'HAPPENED', 'ATTEMPTS', 'ERROR'], rows))
      }
      remark(plural(items.length, 'event', 'events'))
    }),
})

export const skip = command({
  positionals: ['EVENT_ID'],
  options: { reason: { type: 'string', value: 'TEXT', about: 'Why, for the audit log' } },
  about:
    'Ticks off an event that has failed and that its handler can never handle. The later events of its business go on. ' +
    'It does not come again.',
  run: ({ positionals: [id = ''], options: { reason = '' }, config }) => {
    if (reason.trim() === '') throw new UsageError('--reason is missing')
    return withContext(config, async (ctx) => {
      const { type, businessId } = await acrossBusinesses(ctx.db, (tx) =>
        skipEvent(tx, ctx, systemActor('command line'), id, reason),
      )
      print(`${id} (${type} of ${businessId}) is skipped`)
    })
  },
})
