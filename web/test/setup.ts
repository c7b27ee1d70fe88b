import type { TestProject } from 'vitest/node'
import { buildWeb } from '../build.ts'
import { unpackChromium } from './chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why there are no pages to look at; other tests need none. */
    webProblem: string | undefined
  }
}

/** Once for all tests: the pages as they are now, and a browser to look at them. */
export default async function setup(project: TestProject): Promise<void> {
  const problem = await Promise.all([buildWeb(), unpackChromium()]).then(
    () => undefined,
    (error: Error & { stderr?: string }) => `${error.message}\n${error.stderr ?? ''}`,
  )
  project.provide('webProblem', problem)
}
