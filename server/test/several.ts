import { afterEach } from 'vitest'
import { createTestFreehold, type TestFreehold } from './harness.ts'

/** For tests that open Freeholds of their own, several on one database too: what a test has not stopped is closed after it. */
export function openSeveral() {
  const open: TestFreehold[] = []
  afterEach(async () => {
    // The one whose database it is was opened first and closes last.
    for (const freehold of open.splice(0)) await freehold.close()
  })
  return {
    start: async (options: Parameters<typeof createTestFreehold>[0] = {}): Promise<TestFreehold> => {
      const freehold = await createTestFreehold(options)
      open.unshift(freehold)
      return freehold
    },
    /** Stops one before the test ends; what it has written stays. */
    stop: async (freehold: TestFreehold): Promise<void> => {
      open.splice(open.indexOf(freehold), 1)
      await freehold.close()
    },
  }
}
