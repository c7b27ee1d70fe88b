import { createClient, type Schemas } from 'freehold/client'
import { text } from './text/shared.ts'
import { page } from './ui/page.ts'

export type { Schemas }

/** The API of the server that served this page; the session is in a cookie that no script can read. */
export const api = createClient(page.apiPath)

type Problem = Partial<Schemas['Problem']>

/** The server said no, or could not be reached. `code` is stable, `message` is for people. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined
  /** What is wrong with which field: `body/email`. */
  readonly errors: { path: string; message: string }[]
  /** Further members of the problem, such as the limit that is reached. */
  readonly more: Record<string, unknown>

  constructor(status: number, problem: Problem) {
    super(problem.detail ?? problem.title ?? text.unforeseen)
    this.name = 'Refusal'
    this.status = status
    this.code = problem.code ?? 'internal_error'
    this.requestId = problem.requestId
    this.errors = problem.errors ?? []
    this.more = problem
  }
}

type Answer<Data> = { data?: Data; error?: unknown; response: Response }

/** What a call answers, or a Refusal thrown: `await answer(api.GET('/v1/me'))`. */
export async function answer<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call.catch(() => {
    throw new Refusal(0, { code: 'unreachable', detail: text.unreachable })
  })
  if (!response.ok) {
    throw new Refusal(response.status, typeof error === 'object' && error !== null ? error : {})
  }
  return data as Data
}
