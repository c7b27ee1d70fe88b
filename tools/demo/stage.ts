import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const command = [
  '--conditions=freehold-source',
  'server/src/cli.ts',
  '--config',
  'examples/session-recorder/freehold.config.ts',
]

export type Letter = { to: string; subject: string; text: string }

/** What the day is played on: a server, a second worker, a mail server, and whatever ran on the command line. */
export type Stage = {
  base: string
  /** The newest letter to somebody, waited for. */
  letter: (to: string, about: RegExp) => Promise<Letter>
  /** Runs `freehold …` beside the running server and answers what it printed. */
  freehold: (...args: string[]) => Promise<string>
  close: () => Promise<void>
}

/** Starts real processes on real sockets. `environment` says which database: DATABASE_URL or DATA_DIR. */
export async function openStage(environment: Record<string, string>): Promise<Stage> {
  const letters: Letter[] = []
  const mailServer = await startMailServer(letters)
  const { port: mailPort } = mailServer.server.address() as { port: number }
  const port = await freePort()
  const env = {
    ...process.env,
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
    SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
    MAIL_FROM: 'Session Recorder <hello@recorder.test>',
    SECRET: 'the day in the article is played with this secret',
    LOG_LEVEL: 'warn',
    RATE_LIMITS: 'off',
    NODE_ENV: 'development',
    ...environment,
  }
  const processes: ChildProcess[] = []
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [...command, ...args], {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    processes.push(child)
    return child
  }
  const close = async () => {
    await Promise.all(processes.map(stop))
    await new Promise<void>((resolve) => {
      mailServer.close(() => {
        resolve()
      })
    })
  }

  const base = `http://127.0.0.1:${port}`
  try {
    const server = run('start')
    server.stdout?.resume()
    await ready(base, server)
    run('work').stdout?.resume()
  } catch (error) {
    await close()
    throw error
  }
  return {
    base,
    letter: async (to, about) => {
      for (const started = performance.now(); performance.now() - started < 30_000; await delay(50)) {
        const found = letters.findLast((letter) => letter.to === to && about.test(letter.subject))
        if (found) return found
      }
      throw new Error(`No letter to ${to} about ${about} arrived`)
    },
    freehold: async (...args) => {
      const child = run(...args)
      let printed = ''
      child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number]
      if (code !== 0) throw new Error(`freehold ${args.join(' ')} ended with ${code}: ${printed}`)
      return printed
    },
    close,
  }
}

async function startMailServer(letters: Letter[]): Promise<SMTPServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => {
      simpleParser(stream).then((mail) => {
        const to = Array.isArray(mail.to) ? mail.to[0] : mail.to
        letters.push({ to: to?.value[0]?.address ?? '', subject: mail.subject ?? '', text: mail.text ?? '' })
        done()
      }, done)
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return server
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  return port
}

async function ready(base: string, server: ChildProcess): Promise<void> {
  for (const started = performance.now(); performance.now() - started < 30_000; await delay(50)) {
    if (server.exitCode !== null) throw new Error('The server ended before it was ready')
    const answer = await fetch(`${base}/readyz`).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error('The server was not ready within 30 seconds')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  await ended
}
