import type { PageData } from '../../../server/src/pages/page-data.ts'
import { capital, plural } from './words.ts'

/** What the server wrote into this page. */
const element = document.getElementById('page')

export const page = JSON.parse(element?.textContent ?? '{}') as PageData

/** For the style sheets that components add; an element gives it to scripts of this page only. */
export const styleNonce = element?.nonce ?? ''

export const { product } = page

/** What a business is called here, `workspace` for instance. */
export const { noun } = product
export const Noun = capital(noun)
export const nouns = plural(noun)

/** The difference of this machine's clock to the domain's, which development and tests can move. */
const offset = Date.parse(page.now) - Date.now()

/** The time by the server's clock. */
export const now = () => new Date(Date.now() + offset)

/** Whether the domain's time is not that of this machine. */
export const isClockMoved = offset > 60_000
