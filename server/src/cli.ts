#!/usr/bin/env node
import { start } from './commands/start.ts'

await start({ config: process.argv[4] ?? 'examples/session-recorder/freehold.config.ts' })
