import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// What replaces a module for itself must not share modules with other files.
const apart = ['server/src/users/sign-in.test.ts']

// The command's own cache: half of the start of a process is compiling.
const compiled = fileURLToPath(new URL('node_modules/.cache/freehold', import.meta.url))

const cheapPasswords = {
  alias: [{ find: '@node-rs/argon2', replacement: fileURLToPath(new URL('server/test/argon2.ts', import.meta.url)) }],
}

const source = (path: string) => fileURLToPath(new URL(`server/src/${path}`, import.meta.url))

export default defineConfig({
  // From the sources, as everything in this repository.
  resolve: {
    alias: [
      { find: /^freehold$/, replacement: source('index.ts') },
      { find: /^freehold\/client$/, replacement: source('client/client.ts') },
      { find: /^freehold\/embedded$/, replacement: source('db/embedded.ts') },
    ],
  },
  test: {
    globalSetup: ['server/test/database.ts', 'web/test/setup.ts'],
    env: { NODE_COMPILE_CACHE: compiled },
    pool: 'forks',
    maxWorkers: 3,
    // As the product itself is started: less of the time goes into collecting what is short-lived.
    execArgv: ['--max-semi-space-size=32'],
    // Files of one process share what they import: they have databases and servers of their own.
    isolate: false,
    // They end what hangs, and are no measure: a machine may be busy with other things.
    testTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        resolve: cheapPasswords,
        test: {
          name: 'server',
          include: ['server/**/*.test.ts', 'examples/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: apart,
          globalSetup: [],
          setupFiles: ['server/test/statements.ts', 'server/test/properties/runs.ts'],
          typecheck: { enabled: true, include: ['server/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
        },
      },
      {
        extends: true,
        test: {
          name: 'server apart',
          include: apart,
          isolate: true,
          globalSetup: [],
          setupFiles: ['server/test/statements.ts', 'server/test/properties/runs.ts'],
        },
      },
      {
        extends: true,
        resolve: cheapPasswords,
        test: {
          name: 'web',
          include: ['web/**/*.test.ts'],
          globalSetup: [],
          setupFiles: ['server/test/properties/runs.ts'],
        },
      },
    ],
  },
})
