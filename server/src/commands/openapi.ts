import { writeFile } from 'node:fs/promises'
import { command } from './command.ts'
import { loadProduct } from './open.ts'

export const openapi = command({
  options: {
    out: { type: 'string', value: 'FILE', about: 'Write it to this file instead of printing it' },
  },
  about:
    'Prints the description of the HTTP API (OpenAPI 3.1) as the product definition makes it. It needs no database.',
  run: async ({ options, config }) => {
    const product = await loadProduct(config)
    const { openapiDocument } = await import('../openapi.ts')
    const document = await openapiDocument(product)
    if (options.out === undefined) process.stdout.write(document)
    else await writeFile(options.out, document)
  },
})
