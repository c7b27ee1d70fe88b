import { fork, spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
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

/** What a process that runs command after command is sent, and what it answers. */
export type Asked = { args: string[]; env: Variables }
export type Done = { exitCode: number }

export type Commands = { run: typeof command; close: () => void }

/** The same, one at a time in one process: for what does not depend on how a command is started, and how it ends. */
export function openCommands(): Commands {
  const mark = `\n${randomUUID()}\n`
  const child = fork(fileURLToPath(new URL('command-process.ts', import.meta.url)), [mark], {
    cwd: root,
    execArgv: ['--conditions=freehold-source'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output = collect(child)
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`It ended: ${output.stderr}`)))
  ended.catch(() => {})
  const whole = async (name: keyof typeof output) => {
    while (!output[name].endsWith(mark)) await once(child[name]!, 'data')
    const text = output[name].slice(0, -mark.length)
    output[name] = ''
    return text
  }
  const run = async (args: string[], env: Variables = {}): Promise<Ran> => {
    child.send({ args: ['--config', config, ...args], env: environment(env) } satisfies Asked)
    const [{ exitCode }] = (await Promise.race([once(child, 'message'), ended])) as [Done]
    return { exitCode, stdout: await whole('stdout'), stderr: await whole('stderr') }
  }
  return { run, close: () => child.kill() }
}

/** A process that goes on until it is told to end. */
export type Process = {
  child: ChildProcess
  output: { stdout: string; stderr: string }
  /** The exit code, once it has ended and nothing holds its output any more. */
  ended: Promise<number | null>
}

/** One that serves, and where. */
export type Running = Process & { url: string }

export const begin = (args: string[], env: Variables = {}): Process =>
  watch(spawn(process.execPath, cli([...args, '--config', config]), { cwd: root, env: environment(env) }))

/** One at a terminal, which the system's `script` stands in for: it may ask, and what is written to it is typed. */
export function atTerminal(args: string[], env: Variables = {}): Process {
  const line = [process.execPath, ...cli(['--config', config, ...args])]
  const quoted = line.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  // The BSDs, macOS among them, take the words as they are.
  const script = process.platform === 'linux' ? ['-qec', quoted, '/dev/null'] : ['-q', '/dev/null', ...line]
  return watch(spawn('script', script, { cwd: root, env: environment(env) }))
}

export const launch = (args: string[], env: Variables = {}): Promise<Running> => serving(begin(args, env))

/** `npm start`, in a process group of its own, like one that a terminal starts. */
export const launchWithNpm = (env: Variables = {}): Promise<Running> =>
  serving(watch(spawn('npm', ['start'], { cwd: root, env: environment(env), detached: true })))

/** Waits until it has said something. */
export async function hasSaid({ child, output }: Process, text: RegExp): Promise<void> {
  while (!text.test(output.stdout)) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${output.stderr}`)
    await delay(20)
  }
}

async function serving(started: Process): Promise<Running> {
  await hasSaid(started, /is ready/)
  return { ...started, url: /API +(\S+)\/v1/.exec(started.output.stdout)?.[1] ?? '' }
}

function watch(child: ChildProcess): Process {
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null)
  return { child, output: collect(child), ended }
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
