import { expect, test } from 'vitest'
import { emailsIn } from './emails.ts'

test('addresses are found however they are put apart, each once', () => {
  expect(emailsIn('ann@acme.test, Ben@acme.test;\n<cid@acme.test>  ann@acme.test\n\n')).toEqual([
    'ann@acme.test',
    'ben@acme.test',
    'cid@acme.test',
  ])
  expect(emailsIn(' \n, ')).toEqual([])
})
