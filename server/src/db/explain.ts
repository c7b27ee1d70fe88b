import type pg from 'pg'
import { connectionOf } from './open.ts'
import { sqlState } from './transactions.ts'

/** Does what needs the database, and says what to do about one that does not let us in. */
export async function explained<T>(database: string | pg.Pool, work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    const { connectionString = '' } = connectionOf(database)
    const explanation = URL.canParse(connectionString) ? explainDatabaseError(error, connectionString) : undefined
    throw explanation === undefined ? error : new Error(explanation, { cause: error })
  })
}

/**
 * What is wrong with a database that does not let us in, and what to do about it; undefined for any other error. Names
 * the server and the user, never the password.
 */
export function explainDatabaseError(error: unknown, databaseUrl: string): string | undefined {
  const { hostname, port, username, pathname } = new URL(databaseUrl)
  const server = `${hostname || 'localhost'}:${port || 5432}`
  const user = decodeURIComponent(username) || 'the current user'
  const database = decodeURIComponent(pathname.slice(1)) || user
  const said = error instanceof Error ? error.message : String(error)

  switch (sqlState(error)) {
    case 'ECONNREFUSED':
      return `Nothing answers at ${server}: start PostgreSQL there, or mend DATABASE_URL`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host ${hostname} of DATABASE_URL is not known here: mend DATABASE_URL`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${server} cannot be reached: mend DATABASE_URL, or let this machine through to it`
    case '28P01':
      return `The database refuses the password of ${user}: mend DATABASE_URL`
    case '28000':
      return `The database does not let ${user} in (${said}): mend DATABASE_URL or the server's pg_hba.conf`
    case '3D000':
      return `There is no database ${database} at ${server}. Create it: createdb ${database}`
    case '42501':
      return (
        `${user} may not set up the schema (${said}). ` +
        `Run as its owner: grant create on database ${database} to ${user}; or set DATABASE_URL to a user who may`
      )
    case '53300':
      return `The database has no connection left for ${user}: raise max_connections, or end what holds them`
    case '55P03':
      return 'Somebody holds what has to be changed: end long transactions (pg_stat_activity shows them), and try again'
    case '57P01':
    case '57P02':
      return `The database ended the connection (${said}): try again when it is back`
    case '57P03':
      return 'The database is starting up: try again in a moment'
    case 'ECONNRESET':
    case 'EPIPE':
      return `${server} hung up: mend DATABASE_URL if that is no PostgreSQL`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${server} is not trusted (${said}): name its authority in DATABASE_URL with sslrootcert=FILE`
    case undefined:
      // Of the driver itself; it gives these no code.
      if (/timeout/i.test(said))
        return `${server} did not answer in time: mend DATABASE_URL, or let this machine through`
      if (/terminated/i.test(said)) return `${server} hung up: mend DATABASE_URL if that is no PostgreSQL`
      if (/SSL/.test(said))
        return `${said}: say sslmode=disable or sslmode=require in DATABASE_URL as the server wants it`
      return undefined
    default:
      return undefined
  }
}
