import type { Generated, Kysely, Transaction } from 'kysely'
import type { Port } from 'freehold'

/** The product's own tables; see tables.sql. */
export type Tables = {
  applications: { id: Generated<string>; businessId: string; name: string; createdAt: Generated<Date> }
  recordings: {
    id: Generated<string>
    businessId: string
    applicationId: string
    title: string
    durationSeconds: number
    createdAt: Generated<Date>
  }
}

export type NewRecording = { applicationId: string; title: string; durationSeconds: number }

/** Undefined when the business has no such application. */
export async function saveRecording(tx: Transaction<Tables>, businessId: string, recording: NewRecording) {
  const application = await tx
    .selectFrom('applications')
    .select('id')
    .where('businessId', '=', businessId)
    .where('id', '=', recording.applicationId)
    .executeTakeFirst()
  if (!application) return undefined
  return tx
    .insertInto('recordings')
    .values({ businessId, ...recording })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export const newestRecordings = (db: Kysely<Tables>, businessId: string) =>
  db
    .selectFrom('recordings')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('createdAt', 'desc')
    .limit(100)
    .execute()

export const addApplication = (tx: Transaction<Tables>, businessId: string, name: string) =>
  tx.insertInto('applications').values({ businessId, name }).returningAll().executeTakeFirstOrThrow()

/** Whether there was one to remove; its recordings go with it. */
export async function removeApplication(tx: Transaction<Tables>, businessId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('applications')
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Those who keep recordings; nobody while these tables are not there. */
export async function businessesWithRecordings(port: Port): Promise<string[]> {
  const { rows: tables } = await port.query("select to_regclass('recordings') is not null as exist", [])
  if (tables[0]?.['exist'] !== true) return []
  const { rows } = await port.query('select distinct business_id from recordings order by business_id', [])
  return rows.map((row) => String(row['business_id']))
}

export async function deleteRecordingsBefore(port: Port, businessId: string, before: Date): Promise<number> {
  const { rows } = await port.query('delete from recordings where business_id = $1 and created_at < $2 returning id', [
    businessId,
    before,
  ])
  return rows.length
}
