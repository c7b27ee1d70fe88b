import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Runs the command as a process of its own, as people do. */
const root = fileURLToPath(new URL('../../', import.meta.url))
const config = 'examples/session-recorder/freehold.config.ts'

type Variables = Record<string, string | undefined>

export type Ran = { exitCode: number | null; stdout: string; stderr: string }

/** `freehold …` to its end. --config stands first, as in `npm run freehold`. */
export async function command(args: string[], env: Variables = {}): Promise<Ran> {
  const child = spawn(process.execPath, cli(['--config', config, ...args]), { cwd: root, env: environment(env) })
  child.stdin.end()
  const output = collect(child)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, ...output }
}

/** A process that goes on, such as `freehold start`. */
export type Running = {
  child: ChildProcess
  /** Where it serves. */
  url: string
  output: { stdout: string; stderr: string }
  /** The exit code, once it has ended and nothing holds its output any more. */
  ended: Promise<number | null>
}

export async function launch(args: string[], env: Variables = {}, ready = /is ready/): Promise<Running> {
  return watch(spawn(process.execPath, cli([...args, '--config', config]), { cwd: root, env: environment(env) }), ready)
}

/** `npm start`, in a process group of its own, like one that a terminal starts. */
export async function launchWithNpm(env: Variables = {}): Promise<Running> {
  return watch(spawn('npm', ['start'], { cwd: root, env: environment(env), detached: true }), /is ready/)
}

async function watch(child: ChildProcess, ready: RegExp): Promise<Running> {
  const output = collect(child)
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null)
  while (!ready.test(output.stdout)) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${output.stderr}`)
    await delay(20)
  }
  return { child, url: /API +(\S+)\/v1/.exec(output.stdout)?.[1] ?? '', output, ended }
}

const cli = (args: string[]) => ['--conditions=freehold-source', 'server/src/cli.ts', ...args]

// Nothing of the machine's own settings, or a test would find other things on another machine.
const environment = (env: Variables): Variables => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  SECRET: 'a secret of at least thirty-two characters',
  ...env,
})

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  }
  return output
}
