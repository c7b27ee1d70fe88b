import type { PermissionTable } from '../permissions.ts'
import type { Product } from '../product.ts'
import { pageFields } from './fields.ts'
import type { PageData } from './page-data.ts'

/** The part of a page's data that is the same for everybody. */
export const productData = (
  { name, noun, brand, keys, features, fields, signup }: Product,
  { roles }: PermissionTable,
): PageData['product'] => ({
  name,
  noun,
  brand: { color: brand.color ?? null, logoUrl: brand.logoUrl ?? null },
  roles: mapValues(roles, (permissions) => [...permissions]),
  keyTypes: mapValues(keys, ({ prefix, publishable, permissions }) => ({ prefix, publishable, permissions })),
  features: mapValues(features, ({ kind, unit }) => ({ kind, unit: unit ?? null })),
  fields: { business: pageFields(fields.business), user: pageFields(fields.user) },
  signup: { mode: signup.mode, verifyEmail: signup.verifyEmail },
})

/**
 * A page as it was built, with what it has to know. The data is no script: a browser runs nothing of that type, whatever
 * the policy says. The nonce is for the style sheets that components add while they run.
 */
export function renderPage(built: string, data: PageData, nonce: string): string {
  const { name, brand } = data.product
  const head = [
    `<title>${escapeHtml(name)}</title>`,
    `<link rel="icon" href="${brand.logoUrl === null ? monogram(name, brand.color ?? defaultColor) : escapeHtml(brand.logoUrl)}">`,
    `<script type="application/json" id="page" nonce="${nonce}">${escapeJson(data)}</script>`,
  ]
  return built
    .replace('<!--page-->', () => head.join('\n    '))
    .replaceAll(/(src|href)="\.\//g, (_, attribute) => `${attribute}="${escapeHtml(data.basePath)}/`)
}

/**
 * What a page may do (ASVS 5.0 V3.4.3): run its own scripts and no inline ones, talk to its own server, be framed by
 * nobody. Styles that are injected carry the nonce.
 */
export function pagePolicy({ brand }: Product, nonce: string): string {
  const logo = brand.logoUrl?.startsWith('https:') ? ` ${new URL(brand.logoUrl).origin}` : ''
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' data:${logo}`,
    "font-src 'self'",
    "connect-src 'self'",
    // Mails as they look, each with a policy of its own.
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

const defaultColor = '#3538cd'

/** The first letter of the product's name on its colour, for products without a logo. */
function monogram(name: string, color: string): string {
  const letter = escapeHtml(String.fromCodePoint(name.toUpperCase().codePointAt(0) ?? 0x20))
  const icon =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${color}"/>` +
    `<text x="16" y="22" font-family="sans-serif" font-size="18" font-weight="600" text-anchor="middle" fill="#fff">${letter}</text></svg>`
  return `data:image/svg+xml,${encodeURIComponent(icon)}`
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

// A `</script>` or `<!--` in a name would end or bend the element.
const escapeJson = (data: unknown) => JSON.stringify(data).replaceAll('<', '\\u003c')

const mapValues = <In, Out>(record: Record<string, In>, map: (value: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
