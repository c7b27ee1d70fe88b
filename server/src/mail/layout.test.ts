import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { contrast } from '../color.ts'
import { renderMail } from './layout.ts'
import type { Composing } from './mail.ts'
import { sampleMails, type Typed } from './samples.ts'
import { moment, named } from './wording.ts'

const ctx = (brand: { color?: string; logoUrl?: string } = {}): Composing =>
  ({
    product: {
      name: 'Session Recorder',
      noun: 'workspace',
      brand,
      howToPay: 'IBAN GB33 BUKB 2020 1555 5555 55\nTo Session Recorder Ltd',
      features: { recordings: { kind: 'metered', unit: 'recording' } },
    },
    settings: { publicUrl: 'https://app.recorder.test' },
  }) as unknown as Composing

const samples = Object.entries(sampleMails(ctx()))
const rendered = (mail: (typeof samples)[number][1]) => renderMail(ctx(), mail)

describe('every mail', () => {
  test('that the code can send is among the samples', () => {
    const root = fileURLToPath(new URL('../', import.meta.url))
    const composers = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('mail.ts'),
    )
    const inCode = composers.flatMap((file) =>
      [...readFileSync(root + file, 'utf8').matchAll(/template: (.*),$/gm)].flatMap(([, value = '']) =>
        [...value.matchAll(/'([a-z-]+)'/g)].flatMap(([, name]) => (name === 'cancelled' ? [] : [name])),
      ),
    )
    expect(new Set(inCode).size).toBeGreaterThan(20)
    expect(new Set(samples.map(([, { template }]) => template))).toEqual(new Set(inCode))
  })

  test.each(samples)('%s has a subject, a text and HTML, one action at most, and is small', (_, mail) => {
    const { subject, text, html } = rendered(mail)
    expect(subject).toMatch(/^\S.{5,}\S$/)
    expect(subject.length).toBeLessThan(120)
    expect(text + subject + html).not.toMatch(/undefined|null|NaN|\[object|Invalid Date/)
    expect(html.match(/<a /g) ?? []).toHaveLength(mail.action ? 1 : 0)
    expect(text.match(/https?:\/\/\S+/g) ?? []).toEqual(mail.action ? [mail.action.url] : [])
    // On a line of its own, so that no program takes a full stop into it.
    if (mail.action) expect(text.split('\n')).toContain(mail.action.url)
    expect(html).toContain('<html lang="en" dir="ltr">')
    expect(html.match(/<h1/g)).toHaveLength(1)
    expect(html).not.toMatch(/<(script|img|iframe|form|link|object)/)
    expect(Buffer.byteLength(html)).toBeLessThan(100_000)
    for (const [label, value] of Object.entries(mail.facts ?? {})) {
      if (value !== null) expect(text).toContain(`${label}:`)
    }
  })

  test('about a business says whose it is, and about money which zone its dates are of', () => {
    for (const [name, mail] of samples) {
      const isOwners = mail.businessId !== undefined && mail.template !== 'invitation'
      expect({ name, why: mail.why !== undefined }).toEqual({ name, why: isOwners })
      const { text } = rendered(mail)
      // Of a period the second says it for both.
      const dates = text.replaceAll(/\d+ \w+ \d{4} to /gu, '').match(/\d{1,2} (December|January) \d{4}.{13}/g) ?? []
      expect({ name, bare: dates.filter((date) => !/UTC/.test(date)) }).toEqual({ name, bare: [] })
    }
  })
})

describe('what people typed', () => {
  const hostile: [what: string, value: string][] = [
    ['markup', `<script>alert(1)</script><img src=x onerror=alert(1)>" onload="x`],
    ['line breaks', 'Acme\r\nBcc: eve@evil.test\r\n\r\n<b>hello</b>'],
    ['a turn of direction', 'Acme \u202egro.live\u202c \u2066x\u2069'],
    ['five hundred characters', 'x'.repeat(500)],
    ['a link', 'Win at https://evil.test/now or www.evil.test'],
    ['separators of lines', 'Acme\u2028Bcc: x\u2029y\u0085z'],
  ]
  test.each(hostile)('is inert as the name of a business or person, and as a reason: %s', (_, value) => {
    const typed: Typed = { business: value, person: value, reason: value }
    const plain = Object.fromEntries(samples.map(([name, mail]) => [name, rendered(mail)]))
    for (const [name, mail] of Object.entries(sampleMails(ctx(), typed))) {
      const { subject, text, html } = rendered(mail)
      expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u)
      expect(Array.from(subject).length).toBeLessThanOrEqual(200)
      expect(text + html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
      const tags = (markup = '') => markup.match(/<\/?[a-z!][^>\s]*/g)
      expect({ name, tags: tags(html) }).toEqual({ name, tags: tags(plain[name]?.html) })
      // Nothing that a mail program would make a link of; a reason is staff's own words.
      if (!mail.template.startsWith('support')) expect(text).not.toMatch(/evil\.test/)
    }
  })

  test('stays what it is where it is harmless', () => {
    expect(named("  Søren's Bäckerei & Söhne Inc.  ")).toBe("Søren's Bäckerei & Söhne Inc.")
    expect(named('שלום')).toBe('שלום')
    expect(named('🔑'.repeat(100))).toBe(`${'🔑'.repeat(79)}…`)
  })
})

describe('the product', () => {
  const [, mail] = samples.find(([name]) => name === 'invoice due, renewal') ?? samples[0]!
  const buttonOf = (html: string) => /<a class="button"[^>]*color:(#\w{6});background:(#\w{6})/.exec(html)?.slice(1, 3)
  const darkButton = (html: string) => /\.button\{background:(#\w{6})!important;color:(#\w{6})/.exec(html)?.slice(1, 3)

  test.each(['#ffff00', '#3538cd', '#000000', '#ffffff', '#ff5500'])(
    'with the colour %s has a button that can be read, in light and in dark',
    (color) => {
      const { html } = renderMail(ctx({ color }), mail)
      for (const [one = '', other = ''] of [buttonOf(html) ?? [], darkButton(html) ?? []]) {
        expect(contrast(one, other)).toBeGreaterThanOrEqual(4.5)
      }
    },
  )

  test('shows its logo with its name behind it, by an address that mail programs can reach', () => {
    expect(renderMail(ctx({ logoUrl: '/logo.png' }), mail).html).toMatch(
      /<img class="logo" src="https:&#?\w*;?\/\/app|<img class="logo" src="https:\/\/app\.recorder\.test\/logo\.png" alt="Session Recorder"/,
    )
    // Most programs show no SVG.
    expect(renderMail(ctx({ logoUrl: 'https://cdn.test/logo.svg' }), mail).html).not.toContain('<img')
  })
})

test('a moment names its zone', () => {
  const at = new Date('2026-12-05T13:00:00Z')
  expect(moment(at)).toBe('5 December 2026 at 13:00 UTC')
  expect(moment(at, 'America/New_York')).toBe('5 December 2026 at 08:00 GMT-5')
})

test('the text has its facts in columns', () => {
  const { text } = renderMail(ctx(), {
    subject: 's',
    paragraphs: ['p'],
    facts: { A: 'one\ntwo', Longer: 'three', No: null },
  })
  expect(text).toBe('p\n\nA:       one\n         two\nLonger:  three\n\n-- \nSession Recorder')
})
