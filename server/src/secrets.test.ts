import { expect, test } from 'vitest'
import { openSecrets } from './secrets.ts'

const secrets = openSecrets('a secret of at least thirty-two characters')

test('what is sealed opens whole, under what it was sealed with, and never cut short', () => {
  const sealed = secrets.seal('quote', '{"plan":"pro"}', 'a salt')
  expect(secrets.open('quote', sealed, 'a salt')).toBe('{"plan":"pro"}')
  expect(() => secrets.open('quote', sealed)).toThrow(/authenticate|tag|initialization/i)
  expect(() => secrets.open('quote', sealed, 'another')).toThrow(/authenticate|tag|initialization/i)
  for (const length of [0, 11, 12, 16, 27, 28, sealed.length - 1]) {
    expect(() => secrets.open('quote', sealed.subarray(0, length), 'a salt'), `${length} bytes`).toThrow(
      /authenticate|tag|initialization/i,
    )
  }
  // Of nothing there is only the tag: four bytes of it are no proof.
  const nothing = secrets.seal('mail', '')
  expect(secrets.open('mail', nothing)).toBe('')
  expect(() => secrets.open('mail', nothing.subarray(0, 16))).toThrow(/authenticate|tag|initialization/i)
})

test('what is sealed for one use opens for no other, though it has the same salt', () => {
  const uses = ['answer', 'mail', 'quote', 'sign-up'] as const
  for (const salt of [undefined, 'plan quote', '']) {
    for (const use of uses) {
      const sealed = secrets.seal(use, 'text', salt)
      expect(secrets.open(use, sealed, salt)).toBe('text')
      for (const other of uses.filter((each) => each !== use)) {
        expect(() => secrets.open(other, sealed, salt), `${use} as ${other}`).toThrow('authenticate')
      }
    }
  }
})
