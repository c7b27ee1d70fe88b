import { sql, type Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** What the gate's connections call themselves, so that other processes can tell whether it is used. */
export const gateApplication = 'freehold gate'

/** Whether the gate of any process has asked this database for anything within the last second, as its server counts them. */
export async function gateIsUsed(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    select exists (
      select from pg_stat_activity
      where datname = current_database() and application_name = ${gateApplication}
        and (state = 'active' or state_change > clock_timestamp() - interval '1 second')
    ) as used`.execute(db)
  return rows[0]?.used === true
}
