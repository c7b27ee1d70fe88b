import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { freehold: fileURLToPath(new URL('server/src/index.ts', import.meta.url)) } },
  test: {
    include: ['server/**/*.test.ts', 'examples/**/*.test.ts', 'tools/**/*.test.ts'],
    globalSetup: ['server/test/database.ts'],
    setupFiles: ['server/test/statements.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    typecheck: { enabled: true, include: ['server/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
  },
})
