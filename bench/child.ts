import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of a benchmark, which said at which port it serves. It ends when nobody is connected to it any more. */
export type Child = { port: number; ask: <Answer>(question: string) => Promise<Answer>; end: () => Promise<void> }

/** Starts a script beside this one. Fails when it ends before it serves, and what it printed says why. */
export async function startChild(script: string, args: string[], execArgv: string[]): Promise<Child> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, { execArgv })
  const next = <Message>() => answerOf<Message>(child, script)
  const port = await next<number>()
  return {
    port,
    ask: async (question) => {
      child.send(question)
      return next()
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

async function answerOf<Message>(child: ChildProcess, script: string): Promise<Message> {
  const answered = new AbortController()
  const ended = once(child, 'exit', { signal: answered.signal }).then(([code]) => {
    throw new Error(`${script} ended with exit code ${code}`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: answered.signal }), ended])) as [Message]
    return message
  } finally {
    answered.abort()
  }
}
