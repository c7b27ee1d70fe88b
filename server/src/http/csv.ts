import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { PageQuery } from './schemas.ts'

/** What a column is called, and what it has of a row. */
export type Columns<Row> = Record<string, (row: Row) => unknown>

type Page<Row> = { items: Row[]; nextCursor: string | null }
type Read<Row> = (query: PageQuery) => Promise<Page<Row>>

const atOnce = 200

/** The answers of a route that sends a list as a file for a spreadsheet. */
export const Csv = {
  200: { description: 'Lines', content: { 'text/csv': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
}

/**
 * Sends a whole list as lines of a spreadsheet, page by page as its reader takes them: a few hundred rows are in memory
 * at a time, however many there are, and no transaction stays open while a slow reader takes them.
 */
export async function sendCsv<Row>(reply: FastifyReply, name: string, columns: Columns<Row>, read: Read<Row>) {
  // What is wrong with the question is answered as everywhere: once the first line is on its way it is too late.
  const first = await read({ limit: atOnce })
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(Readable.from(csvLines(columns, first, read)))
}

async function* csvLines<Row>(columns: Columns<Row>, first: Page<Row>, read: Read<Row>) {
  const cells = Object.values(columns)
  const linesOf = ({ items }: Page<Row>) => items.map((row) => csvLine(cells.map((cell) => cell(row)))).join('')
  yield csvLine(Object.keys(columns)) + linesOf(first)
  for (let cursor = first.nextCursor; cursor !== null;) {
    const next = await read({ limit: atOnce, cursor })
    yield linesOf(next)
    cursor = next.nextCursor
  }
}

export const csvLine = (cells: unknown[]) => `${cells.map((cell) => csvCell(textOf(cell))).join(',')}\r\n`

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What begins like a formula is made text: a name must not compute anything in somebody's spreadsheet. A number may. */
function csvCell(value: string): string {
  const isFormula = /^[=+\-@\t\r]/.test(value) && !/^-\d+(\.\d+)?$/.test(value)
  const safe = isFormula ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
