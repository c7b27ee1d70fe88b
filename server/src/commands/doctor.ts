import type pg from 'pg'
import { explainDatabaseError } from '../db/explain.ts'
import { findFenceProblem } from '../db/fence.ts'
import { oldestPostgres, pendingMigrations, postgresVersion } from '../db/migrate.ts'
import { openDatabase, type Database } from '../db/open.ts'
import { ConfigurationError, readEnvironment, type Environment } from '../environment.ts'
import { workerActivity } from '../jobs/activity.ts'
import { findMailServerProblem } from '../mail/deliver.ts'
import { command } from './command.ts'
import { invocation, loadProduct, openServerMeanwhile, type Server } from './open.ts'
import { plural, print, printJson } from './print.ts'

type Finding = { check: string; state: 'ok' | 'fail' | 'skipped'; detail: string; remedy?: string }

/** What the checks find out for those that follow. What is missing could not be opened. */
type Patient = { config: string | undefined; environment?: Environment; server?: Server; db?: Database; ready?: true }

export const doctor = command({
  options: { json: { type: 'boolean', about: 'Print JSON' } },
  about:
    'Checks what serving rests on and prints a line for each: ok, or fail with what to do about it. Changes nothing. ' +
    'Exits with 1 when something fails.',
  run: async ({ options, config }) => {
    const patient: Patient = { config }
    const findings: Finding[] = []
    try {
      for (const [check, examine] of checks) {
        const finding = { check, ...(await examine(patient)) }
        findings.push(finding)
        if (!options.json) print(line(finding))
      }
    } finally {
      await patient.db?.close()
      await patient.server?.close()
    }
    if (options.json) printJson({ checks: findings })
    return findings.some(({ state }) => state === 'fail') ? 1 : 0
  },
})

const line = ({ check, state, detail, remedy }: Finding) =>
  `${state.padEnd(7)}  ${check}: ${detail}${remedy === undefined ? '' : ` → ${remedy}`}`

type Examination = (patient: Patient) => Promise<Omit<Finding, 'check'>>

const ok = (detail: string): Omit<Finding, 'check'> => ({ state: 'ok', detail })
const fail = (detail: string, remedy: string): Omit<Finding, 'check'> => ({ state: 'fail', detail, remedy })
const skipped = (detail: string): Omit<Finding, 'check'> => ({ state: 'skipped', detail })

const node: Examination = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isRecent = major > 22 || (major === 22 && minor >= 18)
  return isRecent ? ok(process.version) : fail(process.version, 'use Node 22.18 or later')
}

const configuration: Examination = async (patient) => {
  const problems: string[] = []
  try {
    patient.environment = readEnvironment()
  } catch (error) {
    problems.push(...problemsIn(error))
  }
  const product = await loadProduct(patient.config).catch((error: unknown) => void problems.push(...problemsIn(error)))
  if (problems.length > 0) return fail(problems.join('; '), 'mend the environment and the product definition')
  return ok(`${product?.name}, ${patient.environment?.production ? 'production' : 'development'}`)
}

const database: Examination = async (patient) => {
  if (!patient.environment) return skipped('the configuration cannot be used')
  const { databaseUrl } = patient.environment
  try {
    patient.server = await openServerMeanwhile(patient.environment)
    patient.db = openDatabase(patient.server.url, 2)
    const version = await postgresVersion(patient.db.acrossPool)
    if (version < oldestPostgres) return fail(`PostgreSQL ${version}`, `use PostgreSQL ${oldestPostgres} or later`)
    patient.ready = true
    return ok(`PostgreSQL ${version}, ${databaseUrl === undefined ? 'embedded' : new URL(databaseUrl).host}`)
  } catch (error) {
    const explanation = patient.server && explainDatabaseError(error, patient.server.url)
    // An explanation says what to do itself.
    return explanation
      ? { state: 'fail', detail: explanation }
      : fail(messageOf(error), 'start PostgreSQL there, or mend DATABASE_URL')
  }
}

const schema: Examination = async (patient) => {
  if (!patient.db || !patient.ready) return skipped('the database cannot be used')
  try {
    const missing = await pendingMigrations(patient.db.acrossPool)
    if (missing.length === 0) return ok('up to date')
    delete patient.ready
    return fail(`${plural(missing.length, 'migration')} missing`, `${invocation} migrate`)
  } catch (error) {
    return fail(messageOf(error), `see which version of Freehold served this database last`)
  }
}

const fence: Examination = async (patient) => {
  if (!patient.db || !patient.server || !patient.ready) return skipped('the schema is not there')
  const client: pg.PoolClient = await patient.db.acrossPool.connect()
  try {
    const found = await findFenceProblem(client, { connectionString: patient.server.url })
    return found ? fail(found.problem, found.remedy) : ok('one business sees nothing of another')
  } finally {
    client.release()
  }
}

const worker: Examination = async (patient) => {
  if (!patient.db || !patient.ready) return skipped('the schema is not there')
  const { alive, lastSeenAt } = await workerActivity(patient.db.across)
  if (alive > 0) return ok(`${plural(alive, 'worker')} at work`)
  const seen = lastSeenAt === null ? 'none has ever worked' : `none since ${lastSeenAt.toISOString()}`
  return fail(seen, 'run `freehold start`, or `freehold work` beside `freehold start --no-worker`')
}

const mail: Examination = async ({ environment }) => {
  if (!environment) return skipped('the configuration cannot be used')
  const { smtpUrl } = environment
  if (smtpUrl === undefined) return ok('mails stay in the mailbox: SMTP_URL is not set')
  const problem = await findMailServerProblem(smtpUrl)
  const { host } = new URL(smtpUrl)
  return problem === undefined
    ? ok(`${host} answers`)
    : fail(`${host}: ${problem}`, 'mend SMTP_URL, or the mail server')
}

const clock: Examination = async ({ environment, db, ready }) => {
  if (!environment || !db || !ready) return skipped('the schema is not there')
  const { milliseconds } = await db.across.selectFrom('clockOffset').select('milliseconds').executeTakeFirstOrThrow()
  if (Number(milliseconds) === 0) return ok('real time')
  const ahead = `moved ahead by ${plural(Math.round(Number(milliseconds) / 3_600_000), 'hour')}`
  if (!environment.production) return ok(`${ahead} (POST /v1/dev/clock)`)
  return fail(
    `${ahead} while this was a development database`,
    'use another database: what is in it lies in the future',
  )
}

const checks: [check: string, examine: Examination][] = [
  ['Node', node],
  ['Configuration', configuration],
  ['Database', database],
  ['Schema', schema],
  ['Fence between businesses', fence],
  ['Worker', worker],
  ['Mail', mail],
  ['Clock', clock],
]

const problemsIn = (error: unknown) => (error instanceof ConfigurationError ? error.problems : [messageOf(error)])

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ')
