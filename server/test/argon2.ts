import { createRequire } from 'node:module'

/**
 * Stands in for the library within tests: the same algorithm with hardly any work, since much of what they compute was
 * making passwords hard to guess. sign-in.test.ts and every real process do the product's own work.
 */
const real = createRequire(import.meta.url)('@node-rs/argon2') as typeof import('@node-rs/argon2')

export const { verify } = real
export const hash: typeof real.hash = (password, options) =>
  real.hash(password, { ...options, memoryCost: 64, timeCost: 1 })
