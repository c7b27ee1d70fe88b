// Hostile names are as long as a body may be.
const longest = 64

/** The name somebody may have meant, or all there are, which are those of the properties of `known`. */
export function suggest(name: string, known: object): string {
  const names = Object.keys(known)
  const near = (name.length > longest ? [] : names)
    .map((each) => ({ each, distance: editDistance(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, distance }) => distance <= Math.ceil(each.length / 3))
    .toSorted((one, other) => one.distance - other.distance)[0]?.each
  if (near !== undefined) return `; did you mean ${near}?`
  return names.length === 0 ? '' : `; there is ${names.join(', ')}`
}

/** What is said of a name in a request that the product does not have. */
export const noSuch = (what: string, name: string, known: object): string =>
  `there is no ${what} ${name}${suggest(name, known)}`

/** How many letters one would have to put in, leave out or exchange (Levenshtein). */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const letter of one) {
    const next = [(row[0] ?? 0) + 1]
    for (let column = 1; column <= other.length; column++) {
      const exchanged = (row[column - 1] ?? 0) + (letter === other[column - 1] ? 0 : 1)
      next.push(Math.min(exchanged, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
