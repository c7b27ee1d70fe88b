/** Lines as a spreadsheet reads them. */
export const csv = (lines: readonly (readonly string[])[]): string =>
  lines.map((line) => line.map(cell).join(',')).join('\r\n')

/** What begins like a formula is made text: a name must not compute anything in somebody's spreadsheet. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
