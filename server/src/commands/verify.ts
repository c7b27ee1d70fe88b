import { verifyUsage, type Drift } from '../usage/verification.ts'
import { command } from './command.ts'
import { withContext } from './open.ts'
import { plural, print, printJson, remark, table } from './print.ts'

export const verify = command({
  options: {
    repair: { type: 'boolean', about: 'Set what drifted to what the ledger says' },
    json: { type: 'boolean', about: 'Print JSON' },
  },
  about:
    'Recomputes every usage counter from the ledger, the open reservations and the live items, and lists those that say ' +
    'something else. It can run while the product serves. Exits with 1 when a drift was found and not repaired.',
  run: ({ options: { repair = false, json }, config }) =>
    withContext(config, async (ctx) => {
      const progress = (counters: number) => remark(`${plural(counters, 'counter')} read`)
      const result = await verifyUsage(ctx, { repair, onPage: progress })
      const { counters, drifts, repaired } = result
      if (json) printJson(result)
      else {
        if (drifts.length > 0) print(table(headings, drifts.map(row)))
        remark(`${plural(counters, 'counter')}, ${plural(drifts.length, 'drift')}, ${repaired} repaired`)
      }
      return drifts.length > repaired ? 1 : 0
    }),
})

const headings = ['BUSINESS', 'FEATURE', 'PERIOD', 'USED', 'EXPECTED', 'HELD', 'EXPECTED']
const row = (drift: Drift) => [
  drift.businessId,
  drift.feature,
  drift.periodStart,
  String(drift.used),
  String(drift.expectedUsed),
  String(drift.held),
  String(drift.expectedHeld),
]
