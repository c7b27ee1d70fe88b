import type { PageData } from '../../../server/src/web/page-data.ts'

/** What the server wrote into this page. */
const element = document.getElementById('page')

export const page = JSON.parse(element?.textContent ?? '{}') as PageData

/** For the style sheets that components add; an element gives it to scripts of this page only. */
export const styleNonce = element?.nonce ?? ''

export const { product } = page

/** What a business is called here: `workspace`, and where a line starts with it `Workspace`. */
export const { noun } = product
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
export const plural = (text: string) =>
  /[^aeiou]y$/.test(text) ? `${text.slice(0, -1)}ies` : /(s|x|z|ch|sh)$/.test(text) ? `${text}es` : `${text}s`

/** The difference of this machine's clock to the domain's, which development and tests can move. */
const offset = Date.parse(page.now) - Date.now()

/** The time by the server's clock. */
export const now = () => new Date(Date.now() + offset)
