import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The rules of the house, over every file of the pages. An exception is a line here, with its reason. */

const root = fileURLToPath(new URL('../src/', import.meta.url))
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test\./.test(entry.name))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .toSorted()
const code = (file: string) =>
  readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/^(\s*)\/\/.*$/gm, '$1')
const places = (pattern: RegExp, except: string[] = []) =>
  files
    .filter((file) => !except.includes(file))
    .flatMap((file) =>
      code(file)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
    )
const importsOf = (file: string) =>
  [...code(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(root, join(root, file, '..', path)),
  )

test('every text stands in the catalogue', () => {
  const inMarkup = /^\s*[A-Z][a-z]+( [A-Za-z ,.’']*)?[a-z.?!]$|>\s*[A-Za-z]{2,}[^<>{}=;()]*<\//
  const inAttribute = /\b(label|title|description|placeholder|alt|aria-label|about)="[^"]/
  const markup = files.filter((file) => file.endsWith('.tsx'))
  const found = [...places(inMarkup), ...places(inAttribute)]
  expect(found.filter((place) => markup.some((file) => place.startsWith(`${file}:`)))).toEqual([])
})

test('the portal and the console share what is in ui, and know nothing of each other', () => {
  const area = (path: string) => path.split('/')[0] ?? ''
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => ['portal', 'console'].includes(area(imported)) && area(imported) !== area(file))
      .map((imported) => `${file} imports ${imported}`),
  )
  expect(wrong).toEqual([])
})

test('every class that is named is in its style sheet', () => {
  const missing = files.flatMap((file) =>
    [...code(file).matchAll(/import (\w+) from '(\.[^']+\.module\.css)'/g)].flatMap(([, name = '', sheet = '']) => {
      const styles = readFileSync(join(root, file, '..', sheet), 'utf8')
      const used = code(file).replaceAll(/^import .*$/gm, '')
      const named = [...used.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, each]) => each)
      return named.filter((each) => !new RegExp(`\\.${each}\\b`).test(styles)).map((each) => `${file}: ${name}.${each}`)
    }),
  )
  expect(missing).toEqual([])
})

test('time is the server’s, and nothing is kept in the browser', () => {
  // What a person sees of time goes by the domain's clock, which can be moved.
  expect(places(/Date\.now\b|new Date\(\s*\)/, ['ui/page.ts'])).toEqual([])
  // Where somebody wanted to go outlasts the page they have to leave for their mail; it is no secret.
  const kept = ['portal/kept-next.ts']
  expect(places(/localStorage|sessionStorage|indexedDB|document\.cookie/, kept)).toEqual([])
})

test('nothing is put into a page as markup, and no address is made of what others say', () => {
  expect(places(/dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|document\.write|\beval\(/)).toEqual([])
})

test('a file has one subject', () => {
  const lines = (file: string) => readFileSync(join(root, file), 'utf8').split('\n').length
  expect(files.filter((file) => lines(file) > 351)).toEqual([])
  const nameless = /(^|\/)(utils?|helpers?|common|misc|shared|lib|types|constants)\.tsx?$/
  expect(files.filter((file) => nameless.test(file) && file !== 'text/shared.ts')).toEqual([])
})
