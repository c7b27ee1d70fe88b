/** How the portal and the console look. `color` as `#rrggbb`; `logoUrl` as an https URL or a path on the same host. */
export type Brand = { color?: string; logoUrl?: string }

/** What is wrong with it: both end in the markup and the policy of pages. */
export function brandProblems({ color, logoUrl }: Brand): string[] {
  const problems: string[] = []
  if (color !== undefined && !/^#[0-9a-f]{6}$/i.test(color)) problems.push('brand.color: must look like #3538cd')
  if (logoUrl !== undefined && !/^(https:\/\/[^\s;,]+|\/(?!\/)[^\s;,]*)$/.test(logoUrl)) {
    problems.push('brand.logoUrl: must be an https URL or a path like /logo.svg')
  }
  return problems
}
