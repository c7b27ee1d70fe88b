#!/usr/bin/env node
import { existsSync } from 'node:fs'
import module from 'node:module'
import { resolve } from 'node:path'

// A quarter of the time to start is compiling. Kept with the project rather than in the system's temporary folder, where
// somebody else could put something to be run; before anything is loaded, so that all of it counts.
if (existsSync('node_modules')) module.enableCompileCache?.(resolve('node_modules/.cache/freehold'))

// Whoever reads our output may stop reading, such as `head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const { run } = await import('./commands/run.ts')
const exitCode = await run(process.argv.slice(2))
// A command that worked has closed what it opened; one that failed may have left something that keeps the process alive.
if (exitCode !== 0) process.exit(exitCode)
