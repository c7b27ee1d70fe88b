/** A definition that cannot work: `problems` lists every one of them, each with its path. */
export class ProductDefinitionError extends TypeError {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`The product definition cannot be used:\n${problems.map((each) => `  - ${each}`).join('\n')}`)
    this.name = 'ProductDefinitionError'
    this.problems = problems
  }
}
