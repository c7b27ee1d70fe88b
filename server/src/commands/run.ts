import { inspect, parseArgs } from 'node:util'
import { ConfigurationError, isDebugging } from '../environment.ts'
import { version } from '../version.ts'
import { globalOptions, parse, UsageError, type Command, type ExitCode } from './command.ts'
import { commandHelp, overview } from './help.ts'
import { print, remark } from './print.ts'

/** Every command. Each is loaded when it is asked for, because some bring the whole server along. */
const commands: Record<string, { about: string; load: () => Promise<Command> }> = {
  start: {
    about: 'Serve the product, with the worker in the same process',
    load: async () => (await import('./start.ts')).start,
  },
  work: {
    about: 'Run jobs and tasks only: renewals, mails',
    load: async () => (await import('./work.ts')).work,
  },
  migrate: {
    about: 'Bring the schema of the database up to date',
    load: async () => (await import('./migrate.ts')).migrate,
  },
  doctor: {
    about: 'Check that everything is in place, and say what to do where it is not',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  explain: {
    about: 'Say why the gate denied a request, or what it would answer now',
    load: async () => (await import('./explain.ts')).explain,
  },
  verify: {
    about: 'Recompute every usage counter from the ledger',
    load: async () => (await import('./verify.ts')).verify,
  },
  openapi: {
    about: 'Print the description of the HTTP API',
    load: async () => (await import('./openapi.ts')).openapi,
  },
  'events stuck': {
    about: 'List the events whose handler has failed',
    load: async () => (await import('./events.ts')).stuck,
  },
  'events skip': {
    about: 'Tick off an event that can never be handled',
    load: async () => (await import('./events.ts')).skip,
  },
  'staff add': {
    about: 'Make somebody staff',
    load: async () => (await import('./staff.ts')).add,
  },
  'staff list': {
    about: 'List who is staff',
    load: async () => (await import('./staff.ts')).list,
  },
  'staff remove': {
    about: 'Make somebody staff no longer',
    load: async () => (await import('./staff.ts')).remove,
  },
  'keys create': {
    about: "Make an app key for the product's own backend",
    load: async () => (await import('./keys.ts')).create,
  },
  'keys list': {
    about: 'List the app keys',
    load: async () => (await import('./keys.ts')).list,
  },
  'keys revoke': {
    about: 'Make an app key useless',
    load: async () => (await import('./keys.ts')).revoke,
  },
  'plans diff': {
    about: 'Compare the plans of the definition with those in the database',
    load: async () => (await import('./plans.ts')).diff,
  },
  'plans push': {
    about: 'Write new versions of the plans that have changed',
    load: async () => (await import('./plans.ts')).push,
  },
}

/** Does what the command line says and answers the exit code. Nothing it meets is left to print a stack. */
export async function run(args: string[]): Promise<ExitCode> {
  const { name, rest, wantsHelp, wantsVersion } = find(args)
  try {
    if (wantsVersion) return said(version)
    if (name === undefined) return said(overview(commands))
    const entry = commands[name]
    if (!entry) {
      const group = Object.entries(commands).filter(([known]) => known.startsWith(`${name} `))
      if (group.length === 0) throw new UsageError(`Unknown command ${name}`)
      if (wantsHelp) return said(overview(Object.fromEntries(group)))
      throw new UsageError(`${name} needs one of ${group.map(([known]) => known.slice(name.length + 1)).join(', ')}`)
    }
    const command = await entry.load()
    return wantsHelp ? said(commandHelp(name, command)) : await command.run(parse(command, rest))
  } catch (error) {
    return report(error, name)
  }
}

const said = (text: string): 0 => {
  print(text)
  return 0
}

/** The command's name and what was said to it. Global options may stand before it: `npm run freehold` puts --config there. */
function find(args: string[]) {
  const { tokens } = parseArgs({ args, options: globalOptions, strict: false, allowPositionals: true, tokens: true })
  const words = tokens.filter((token) => token.kind === 'positional')
  const asksFor = (option: string) => tokens.some((token) => token.kind === 'option' && token.name === option)
  const [first, second] = words
  const both = `${first?.value} ${second?.value}`
  const named = both in commands ? words.slice(0, 2) : words.slice(0, 1)
  return {
    name: first && named.map(({ value }) => value).join(' '),
    rest: args.filter((_, index) => !named.some((word) => word.index === index)),
    wantsHelp: asksFor('help'),
    wantsVersion: asksFor('version'),
  }
}

/** One clear line, or the list of what is wrong; where it happened only for those who look for a fault. */
function report(error: unknown, name: string | undefined): ExitCode {
  if (error instanceof UsageError) {
    const known =
      name !== undefined && Object.keys(commands).some((each) => each === name || each.startsWith(`${name} `))
    remark(`freehold: ${error.message}\nSee: freehold ${known ? `${name} ` : ''}--help`)
    return 2
  }
  const message = error instanceof Error ? error.message : String(error)
  remark(error instanceof ConfigurationError ? message : `freehold: ${message}`)
  // With what caused it, which is where a definition or a database says more.
  if (isDebugging()) remark(inspect(error))
  return 1
}
