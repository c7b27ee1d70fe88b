import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, test } from 'vitest'
import { databaseUrl, template } from '../../server/test/database.ts'
import { playDay } from './day.ts'
import { openStage } from './stage.ts'

test('the day of the article works from sign-up to audit, on real processes', async () => {
  const name = `day_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: inject('clusterUrl') })
  await admin.connect()
  await admin.query(`create database ${name} template ${template}`)
  const stage = await openStage({ DATABASE_URL: databaseUrl(inject('clusterUrl'), name) })
  try {
    await playDay(stage, () => {})
  } finally {
    await stage.close()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
})
