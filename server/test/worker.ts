import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type Worker = {
  process: ChildProcess
  /** What it has written so far. */
  lines: string[]
  /** Waits for something in what it writes, as long as it lives. */
  heard: (text: string) => Promise<void>
  ended: Promise<unknown>
}

/** A worker in a process of its own, for tests that kill it; `args` as worker-process.ts says. */
export function startWorker(database: string, ...args: string[]): Worker {
  const script = fileURLToPath(new URL('worker-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=freehold-source', script, database, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    waiting.forEach((look) => look())
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const heard = (text: string) =>
    new Promise<void>((resolve, reject) => {
      void ended.then(() => reject(new Error(`The worker ended before it said: ${text}`)))
      const look = () => {
        if (!lines.some((line) => line.includes(text))) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { process: child, lines, heard, ended }
}
