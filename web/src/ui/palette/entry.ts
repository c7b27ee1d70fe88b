import type { LinkOptions } from '@tanstack/react-router'

/** Something to go to: what it is called, what tells it from others, and where it is. */
export type Entry = { id: string; name: string; about?: string | undefined; to: LinkOptions }

/** Whether a name has what was typed, in lower case, at the beginning of a word. */
export function isNamed(name: string, typed: string): boolean {
  const lower = name.toLowerCase()
  return lower.startsWith(typed) || lower.split(' ').some((word) => word.startsWith(typed))
}

export const isRequestId = (typed: string) => /^req_\w+$/.test(typed)
