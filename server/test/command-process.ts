/**
 * Runs one command after another, as command-line.ts sends them: what takes the time of a short command is to load it.
 * What it writes goes to this process's own stdout and stderr; a line with the mark says where it ends.
 */
import { once } from 'node:events'
import { run } from '../src/commands/run.ts'
import type { Asked, Done } from './command-line.ts'

const [mark = ''] = process.argv.slice(2)

process.on('message', ({ args, env }: Asked) => void answer(args, env))

async function answer(args: string[], env: Asked['env']): Promise<void> {
  process.env = env
  const exitCode = await run(args)
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.write(mark)) await once(stream, 'drain')
  }
  process.send?.({ exitCode } satisfies Done)
}
