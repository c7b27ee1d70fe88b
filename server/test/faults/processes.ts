import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type ApiProcess = { base: string; kill: () => Promise<void> }

/** Starts a real API process; `kill` is SIGKILL, from which nothing can be cleaned up. */
export async function startApi(database: string, script = 'api-process.ts', more: string[] = []): Promise<ApiProcess> {
  const child: ChildProcess = fork(fileURLToPath(new URL(script, import.meta.url)), [database, ...more], {
    execArgv: ['--conditions=freehold-source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return {
    base: `http://127.0.0.1:${port}`,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
