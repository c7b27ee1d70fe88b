import { parseArgs } from 'node:util'

/** Something `freehold` can be told to do. Its options are declared, so that help and parsing cannot disagree. */
export type Command = {
  /** What has to follow, in order: `EMAIL`. One in brackets may be left out: `[ID]`. */
  positionals: readonly string[]
  options: Options
  /** A few sentences for its --help. */
  about: string
  run: (input: Input<Options>) => Promise<ExitCode>
}

type Option =
  | { type: 'boolean'; short?: string; about: string }
  /** `value` names what follows in the help: `FILE`. */
  | { type: 'string'; value: string; about: string }
type Options = Record<string, Option>

export type Input<Declared extends Options> = {
  options: { [Name in keyof Declared]?: Declared[Name]['type'] extends 'boolean' ? boolean : string }
  positionals: string[]
  /** --config, which every command knows. */
  config: string | undefined
}

/** 0 when it worked; 1 when it did not; 2 when it was asked wrongly. */
export type ExitCode = 0 | 1 | 2

export function command<const Declared extends Options>(definition: {
  positionals?: readonly string[]
  options?: Declared
  about: string
  run: (input: Input<Declared>) => Promise<ExitCode | void>
}): Command {
  const { positionals = [], options = {} as Declared, about, run } = definition
  return { positionals, options, about, run: async (input) => (await run(input as Input<Declared>)) ?? 0 }
}

/** A command line that makes no sense: answered with a hint to --help and exit code 2. */
export class UsageError extends Error {}

export const globalOptions = {
  config: { type: 'string', value: 'FILE', about: 'The product definition (default: freehold.config.ts)' },
  help: { type: 'boolean', short: 'h', about: 'Say how the command is used' },
  version: { type: 'boolean', about: 'Say which version this is' },
} as const satisfies Options

/** Reads what was said to a command; `args` has no command in it any more. */
export function parse({ options, positionals: expected }: Command, args: string[]): Input<Options> {
  const { values, positionals } = strictly(() =>
    parseArgs({ args, options: { ...options, ...globalOptions }, allowPositionals: true }),
  )
  const missing = expected[positionals.length]
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`${missing} is missing`)
  const surplus = positionals[expected.length]
  if (surplus !== undefined) throw new UsageError(`Unexpected argument ${surplus}`)
  const { config, help: _, version: __, ...rest } = values
  return { options: rest, positionals, config }
}

function strictly<T>(parsing: () => T): T {
  try {
    return parsing()
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    if (!code.startsWith('ERR_PARSE_ARGS')) throw error
    throw new UsageError((error as Error).message.replace(/\. To specify a positional argument.*/s, ''))
  }
}
