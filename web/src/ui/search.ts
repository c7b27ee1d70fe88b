/** Of what an address says, that by which a screen goes. The rest stays in the address, and goes no further. */
export const known = <Search extends object, Name extends keyof Search>(search: Search, ...names: Name[]) =>
  Object.fromEntries(names.flatMap((name) => (search[name] === undefined ? [] : [[name, search[name]]]))) as {
    [Key in Name]?: Exclude<Search[Key], undefined>
  }
