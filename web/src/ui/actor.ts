import { automatic } from '../text/actors.ts'
import { text as shared } from '../text/shared.ts'
import { label } from './words.ts'

/** Who did something, in words: a person by name, a key by its own, what is automatic by what it does. */
export function actorText({ kind, id, name, email }: Record<string, unknown>): string {
  const called = [name, email, id].find((each) => typeof each === 'string')
  if (kind === 'system' && typeof called === 'string') return automatic[called] ?? label(called)
  return typeof called === 'string' ? called : label(String(kind))
}

/** What it was done to: `Invoice INV-000001`. */
export function targetText(target: Record<string, unknown> | null): string {
  const { kind, id, name } = target ?? {}
  const called = typeof name === 'string' && name !== '' ? name : id
  if (typeof called !== 'string') return shared.none
  return typeof kind === 'string' ? `${label(kind)} ${called}` : called
}
