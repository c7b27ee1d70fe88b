import { expect, test } from 'vitest'
import { csv } from './csv.ts'

test.each([
  ['plain', 'plain'],
  ['Bo, "B"', '"Bo, ""B"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
])('%s is text to a spreadsheet', (value, written) => {
  expect(
    csv([
      ['a', 'b'],
      [value, ''],
    ]),
  ).toBe(`a,b\r\n${written},`)
})
