import { createHash } from 'node:crypto'

/** Markup that is safe to send: made by `html` alone. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | Html[]

/** Markup whose values are text, whatever they say: names people gave end up as what they typed. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(
    strings.map((text, index) => text + (index < parts.length ? rendered(parts[index] ?? '') : '')).join(''),
  )
}

function rendered(part: Part): string {
  if (Array.isArray(part)) return part.map(({ text }) => text).join('')
  return part instanceof Html ? part.text : escapeHtml(String(part))
}

export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** The one style sheet of a page that stands alone, and the directive that names it by its hash. */
export function styleSheet(style: string): { element: Html; source: string } {
  // Not in a template: the hash is of every character, and a formatter may move those.
  const element = new Html(`<style>${style}</style>`)
  return { element, source: `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'` }
}

/** A page that stands alone: it runs nothing and loads nothing. */
export const htmlPage = (title: string, sheet: Html, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        ${sheet}
      </head>
      <body>
        ${body}
      </body>
    </html>`.text
