import type { createFreehold as Create } from './freehold.ts'

/**
 * Puts Freehold into an application, or leaves nothing open when a part of it cannot be opened. The server's modules are
 * loaded here and not before: a product's definition imports the same package, and commands read nothing but that.
 */
export const createFreehold: typeof Create = async (options) => (await import('./freehold.ts')).createFreehold(options)
