import { expect, test } from 'vitest'
import { openSecrets } from './secrets.ts'

const secrets = openSecrets('a secret of at least thirty-two characters')

test('what is sealed opens whole, under what it was sealed with, and never cut short', () => {
  const sealed = secrets.seal('{"plan":"pro"}', 'plan quote')
  expect(secrets.open(sealed, 'plan quote')).toBe('{"plan":"pro"}')
  expect(() => secrets.open(sealed)).toThrow(/authenticate|tag|initialization/i)
  expect(() => secrets.open(sealed, 'another')).toThrow(/authenticate|tag|initialization/i)
  for (const length of [0, 11, 12, 16, 27, 28, sealed.length - 1]) {
    expect(() => secrets.open(sealed.subarray(0, length), 'plan quote'), `${length} bytes`).toThrow(
      /authenticate|tag|initialization/i,
    )
  }
  // Of nothing there is only the tag: four bytes of it are no proof.
  const nothing = secrets.seal('')
  expect(secrets.open(nothing)).toBe('')
  expect(() => secrets.open(nothing.subarray(0, 16))).toThrow(/authenticate|tag|initialization/i)
})
