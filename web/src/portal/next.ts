/**
 * Where to go after signing in, when the address says so: a path of this origin, or nowhere. Browsers read `//x`, `/\x`
 * and what becomes one of them as another host, so the address is read as they do and must come out as it went in.
 */
export function safeNext(next: unknown, origin: string): string | undefined {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, origin)) return undefined
  const url = new URL(next, origin)
  const path = `${url.pathname}${url.search}${url.hash}`
  return url.origin === origin && path === next && !/^\/[/\\]/.test(path) ? path : undefined
}
