/**
 * Arrays as PostgreSQL reads them. The driver escapes every element with two regular expressions; what counts usage
 * sends a dozen elements for each unit, nearly all of them numbers and ids that need no escaping.
 */
export function arrayText(values: readonly (string | number | Date | null | undefined)[]): string {
  let text = '{'
  for (const value of values) {
    if (text.length > 1) text += ','
    if (value === undefined || value === null) text += 'NULL'
    else if (typeof value === 'number') text += value
    else if (typeof value !== 'string') text += value.toISOString()
    else text += plain.test(value) ? value : quoted(value)
  }
  return text + '}'
}

// "null" without quotes would be nothing.
const plain = /^(?!null$)[a-z0-9_-]+$/i
const quoted = (value: string) => `"${value.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`)}"`
