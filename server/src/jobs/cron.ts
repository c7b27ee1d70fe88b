import { CronExpressionParser } from 'cron-parser'

/** Five fields: minute, hour, day of the month, month, day of the week. */
const shape = /^\S+(\s+\S+){4}$/
/** The parser's own `H` stands for a random value, which no two processes would agree on. */
const random = /(^|[\s,])H/i

/** The first tick of a cron expression strictly after an instant, in UTC. Seconds are always zero. */
export function nextTick(schedule: string, after: Date): Date {
  return CronExpressionParser.parse(schedule, { currentDate: after, tz: 'UTC' }).next().toDate()
}

/** What is wrong with a cron expression, or undefined. */
export function scheduleProblem(schedule: string): string | undefined {
  if (!shape.test(schedule)) return 'must be a cron expression of five fields, such as */15 * * * *'
  if (random.test(schedule)) return 'must name its minutes and hours: H is not supported'
  try {
    nextTick(schedule, new Date(0))
    return undefined
  } catch (error) {
    return `is not a cron expression: ${error instanceof Error ? error.message : String(error)}`
  }
}
