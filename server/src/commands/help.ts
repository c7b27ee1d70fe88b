import { globalOptions, type Command } from './command.ts'

/** What the commands are. */
export function overview(commands: Record<string, { about: string }>): string {
  return [
    'Usage: freehold <command> [options]',
    '',
    columns(Object.entries(commands).map(([name, { about }]) => [name, about])),
    '',
    'Options of every command:',
    optionLines(globalOptions),
    '',
    'freehold <command> --help says more about one.',
  ].join('\n')
}

/** How one command is used. */
export function commandHelp(name: string, { positionals, options, about }: Command): string {
  const own = Object.keys(options).length > 0
  return [
    `Usage: freehold ${[name, ...positionals].join(' ')} [options]`,
    '',
    about,
    '',
    ...(own ? ['Options:', optionLines(options), ''] : []),
    'Options of every command:',
    optionLines(globalOptions),
  ].join('\n')
}

const optionLines = (options: Command['options']) =>
  columns(
    Object.entries(options).map(([name, option]) => [
      `--${name}${option.type === 'string' ? ` ${option.value}` : ''}`,
      option.about,
    ]),
  )

function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
