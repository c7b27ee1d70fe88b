/** Results go to stdout, and nothing else does; what is said about them goes to stderr. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)
export const remark = (text: string): void => void process.stderr.write(`${text}\n`)

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

type Cell = string | number | Date | null

/** Rows below their headings, in columns. */
export function table(headings: string[], rows: Cell[][]): string {
  const cells = [headings, ...rows.map((row) => row.map(text))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function text(cell: Cell): string {
  if (cell === null) return '-'
  return cell instanceof Date ? cell.toISOString().slice(0, 16).replace('T', ' ') : String(cell)
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
