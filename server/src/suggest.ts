// Hostile names are as long as a body may be.
const longest = 64

/** The name somebody may have meant, or all there are. */
export function suggest(name: string, known: readonly string[]): string {
  const near = (name.length > longest ? [] : known)
    .map((each) => ({ each, distance: editDistance(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, distance }) => distance <= Math.ceil(each.length / 3))
    .toSorted((one, other) => one.distance - other.distance)[0]?.each
  if (near !== undefined) return `; did you mean ${near}?`
  return known.length === 0 ? '' : `; there is ${known.join(', ')}`
}

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
