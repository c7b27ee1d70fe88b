import type { FastifyInstance } from 'fastify'
import { bodyLimit } from './contract.ts'

/** `fetch` for any framework that speaks in Requests: Hono, Next, Bun. `remoteAddress` is what rate limits go by. */
export type Fetch = (request: Request, client?: { remoteAddress?: string | undefined }) => Promise<Response>

const withoutBody = new Set([204, 205, 304])

/** Answers Requests by a server of our own that listens nowhere. */
export function fetchFrom(server: () => Promise<FastifyInstance>): Fetch {
  return async (request, client) => {
    const app = await server()
    const { pathname, search } = new URL(request.url)
    const headers = Object.fromEntries(request.headers)
    // Said anew for the body as it was read.
    delete headers['content-length']
    delete headers['transfer-encoding']
    const payload = await readBody(request)
    const answer = await app.inject({
      method: request.method as 'GET',
      url: pathname + search,
      headers,
      ...(payload === undefined ? {} : { payload }),
      ...(typeof client?.remoteAddress === 'string' ? { remoteAddress: client.remoteAddress } : {}),
    })
    const body = withoutBody.has(answer.statusCode) ? null : new Uint8Array(answer.rawPayload)
    return new Response(body, { status: answer.statusCode, headers: headersOf(answer.headers) })
  }
}

/** No more than what is refused as too large anyway. */
async function readBody(request: Request): Promise<Buffer | undefined> {
  if (request.body === null) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > bodyLimit) break
  }
  return Buffer.concat(chunks)
}

function headersOf(fields: NodeJS.Dict<number | string | string[]>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || ['connection', 'transfer-encoding'].includes(name)) continue
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each))
  }
  return headers
}
