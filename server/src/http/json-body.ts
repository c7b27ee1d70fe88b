import type { FastifyInstance } from 'fastify'
import { FreeholdError, invalid } from '../errors.ts'

const deepest = 32

/**
 * Bodies are JSON and nothing else: a form or text, which pages may send anywhere without asking, is refused. No body is
 * as good as an empty one; whether that is enough says the route.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, text: string) =>
    text === '' ? undefined : parseBody(text),
  )
}

/**
 * Parses what clients send, and refuses what JSON allows but nobody means: a field named twice (two readers would see
 * two different requests), a field that would reach into a prototype, text that PostgreSQL cannot store, and nesting
 * that only wants to exhaust a stack.
 */
export function parseBody(text: string): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new FreeholdError('invalid_json')
  }
  if (isPlain(text, body)) return body
  let names = 0
  let level = [{ value: body, path: 'body' }]
  for (let depth = 0; level.length > 0; depth += 1) {
    const next: typeof level = []
    for (const { value, path } of level) {
      if (typeof value === 'string') checkText(value, path)
      if (typeof value !== 'object' || value === null) continue
      if (depth >= deepest) throw invalid('body', `is nested deeper than ${deepest} levels`)
      for (const [name, each] of Object.entries(value)) {
        const at = `${path}/${name}`
        if (!Array.isArray(value)) {
          names += 1
          checkText(name, path)
          if (forbidden.has(name)) throw invalid(at, 'is not a known field')
        }
        next.push({ value: each, path: at })
      }
    }
    level = next
  }
  // Outside of texts a colon stands behind a name only, so there are as many as names, if none stands there twice.
  if (names !== text.replace(texts, '').split(':').length - 1) throw invalid('body', 'names a field twice')
  return body
}

/**
 * Most bodies are one flat object of texts without an escape, and their text alone shows it: no bracket,
 * backslash, space before a colon or forbidden name stands anywhere in it, and a quote is followed by a colon as often as
 * there are names. Looking at each value costs ten times as much, and this is on the path of every counted unit.
 */
function isPlain(text: string, body: unknown): boolean {
  if (typeof body !== 'object' || body === null || text.lastIndexOf('{') !== 0 || unusual.test(text)) return false
  let names = 0
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) names += 1
  return names === Object.keys(body).length
}

const unusual = /[[\\]|\s:|__proto__|constructor|prototype/

const texts = /"[^"\\]*(?:\\.[^"\\]*)*"/g

const forbidden = new Set(['__proto__', 'constructor', 'prototype'])

function checkText(text: string, path: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw invalid(path, 'holds a character that cannot be stored')
}
