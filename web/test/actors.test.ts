import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { automatic } from '../src/text/actors.ts'
import { actorText, targetText } from '../src/ui/actor.ts'

const server = new URL('../../server/src/', import.meta.url)

test('whatever the server does by itself has words that people say', () => {
  const sources = readdirSync(server, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, server), 'utf8'))
  const names = sources.flatMap((source) => [...source.matchAll(/systemActor\('([^']+)'\)/g)].map(([, name]) => name))
  expect(names.length).toBeGreaterThan(5)
  expect(new Set(names)).toEqual(new Set(Object.keys(automatic)))
})

test('people and keys are named, what is automatic is said', () => {
  expect(actorText({ kind: 'system', id: 'dunning', name: 'dunning', email: null })).toBe('Payment reminders')
  // A product may have tasks of its own.
  expect(actorText({ kind: 'system', id: 'delete-old-things', name: null })).toBe('Delete old things')
  expect(actorText({ kind: 'user', id: 'usr_1', name: 'dunning', email: 'd@x.test' })).toBe('dunning')
  expect(actorText({ kind: 'user', id: 'usr_1', name: null, email: 'd@x.test' })).toBe('d@x.test')
  expect(actorText({ kind: 'app', id: null, name: null, email: null })).toBe('App')
  expect(targetText({ kind: 'api_key', id: 'key_1', name: 'Checkout' })).toBe('API key Checkout')
  expect(targetText({ kind: 'subscription', id: 'sub_1', name: '' })).toBe('Subscription sub_1')
  expect(targetText(null)).toBe('–')
})
