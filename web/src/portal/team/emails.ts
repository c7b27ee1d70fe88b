/** What people paste: addresses with commas, semicolons, spaces or lines between them, each once. */
export const emailsIn = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\s,;]+/)
      .map((each) => each.replace(/^<|>$/g, '').toLowerCase())
      .filter(Boolean),
  ),
]
