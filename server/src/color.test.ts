import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contrast, readableOn } from './color.ts'

const color = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`)

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2)
})

test('a readable colour stays as it is', () => {
  expect(readableOn(['#ffffff'], '#3538cd')).toBe('#3538cd')
})

test('any colour becomes readable, on light and on dark ground', () => {
  fc.assert(
    fc.property(color, (any) => {
      for (const ground of [
        ['#ffffff', '#f8fafc'],
        ['#0f141b', '#1a212c'],
      ]) {
        const readable = readableOn(ground, any)
        for (const background of ground) expect(contrast(readable, background)).toBeGreaterThanOrEqual(4.5)
      }
    }),
  )
})
