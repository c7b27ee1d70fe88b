import type { Settings } from '../context.ts'
import { readableOn } from '../color.ts'
// Under another name, because a formatter moves the white space of what is called html.
import { html as markup, Html } from '../html.ts'
import type { Product } from '../product.ts'

/** What a mail says; how it looks is the same for all. */
export type MailContent = {
  subject: string
  /** What lists of mails show behind the subject; the first paragraph when left out. */
  preview?: string
  /** Above the text, where the subject would say too much or too little. */
  title?: string
  /** Paragraphs of plain text. */
  paragraphs: string[]
  /** What one looks up in it: `{ 'Due by': '5 December 2026' }`. */
  facts?: Record<string, string | null>
  /** The one thing to do, as a button. */
  action?: { label: string; url: string }
  /** Small print below the button. */
  note?: string
  /** Why it comes to whoever reads it, at the very end. */
  why?: string
}

export type Sender = { product: Pick<Product, 'name' | 'brand'>; settings: Pick<Settings, 'publicUrl'> }

export function renderMail(sender: Sender, given: MailContent) {
  const content = straight(given)
  const subject = oneLine(content.subject)
  return { subject, text: textOf(sender, content), html: htmlOf(sender, { ...content, subject }) }
}

/** Without characters that turn the direction of what follows them: an amount or a link would read otherwise. */
const straight = (content: MailContent): MailContent =>
  JSON.parse(
    JSON.stringify(content, (_, value: unknown) =>
      typeof value === 'string' ? value.replace(/[\u202a-\u202e\u2066-\u2069]/g, '') : value,
    ),
  )

const longestSubject = 200

/** Header values must not carry line breaks: what follows one would be a header of its own. */
function oneLine(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim()
  return line.length > longestSubject
    ? `${Array.from(line)
        .slice(0, longestSubject - 1)
        .join('')}…`
    : line
}

const shownFacts = ({ facts = {} }: MailContent) =>
  Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== null)

function textOf({ product }: Sender, content: MailContent): string {
  const { paragraphs, action, note, why } = content
  const facts = shownFacts(content)
  const widest = Math.max(0, ...facts.map(([label]) => label.length))
  // Further lines of a fact stand below its first.
  const rows = facts.map(
    ([label, value]) => `${`${label}:`.padEnd(widest + 2)} ${value.replaceAll('\n', `\n${' '.repeat(widest + 3)}`)}`,
  )
  return [
    ...paragraphs,
    ...(rows.length > 0 ? [rows.join('\n')] : []),
    ...(action ? [`${action.label}:\n${action.url}`] : []),
    ...(note ? [note] : []),
    `-- \n${product.name}${why ? `\n${why}` : ''}`,
  ].join('\n\n')
}

const ground = {
  light: { page: '#f1f5f9', card: '#ffffff', border: '#e2e8f0', text: '#0f172a', quiet: '#475569' },
  dark: { page: '#0f141b', card: '#1a212c', border: '#334155', text: '#e6eaf0', quiet: '#a3b1c6' },
}
const font = 'Inter,-apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif'

const raw = (text: string) => new Html(text)

/**
 * Tables and inline styles, because mail programs know no others; what a program adds by itself – dark colours, a narrow
 * window – stands in the one style sheet, which those that drop it do without.
 */
function htmlOf(sender: Sender, content: MailContent): string {
  const { subject, title, preview, paragraphs, action, note, why } = content
  const { product } = sender
  const { light } = ground
  const accent = accentOf(product.brand.color ?? '#3538cd')
  const facts = shownFacts(content)
  const page = markup`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="x-apple-disable-message-reformatting">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
${raw(`<style>${styleSheet(accent)}</style>`)}
${raw('<!--[if mso]><style>body,table,td,th,h1,p,a{font-family:Segoe UI,Arial,sans-serif!important}</style><![endif]-->')}
</head>
<body class="page" style="margin:0;padding:0;background:${light.page};-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${preview ?? paragraphs[0] ?? ''}${raw(filler)}</div>
<div role="article" aria-label="${subject}" lang="en">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${light.page}" style="background:${light.page}">
<tr><td align="center" style="padding:32px 12px">
${raw('<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->')}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;margin:0 auto">
<tr><td class="text" style="padding:0 4px 16px;font:600 16px/24px ${font};color:${light.text}">${masthead(sender)}</td></tr>
<tr><td class="card" bgcolor="${light.card}" style="padding:32px;background:${light.card};border:1px solid ${light.border};border-radius:8px">
<h1 class="text" style="margin:0 0 16px;font:600 20px/28px ${font};color:${light.text};${breaks}">${title ?? subject}</h1>
${paragraphs.map((each) => markup`<p class="text" style="margin:0 0 16px;font:400 16px/24px ${font};color:${light.text};${breaks}">${each}</p>`)}
${facts.length > 0 ? [factsTable(facts)] : []}
${action ? [button(action, accent)] : []}
${note ? [markup`<p class="quiet" style="margin:16px 0 0;font:400 14px/20px ${font};color:${light.quiet};${breaks}">${note}</p>`] : []}
</td></tr>
<tr><td class="quiet" style="padding:16px 4px 0;font:400 13px/20px ${font};color:${light.quiet};${breaks}">${why ? `${why} ` : ''}Sent by ${product.name}.</td></tr>
</table>
${raw('<!--[if mso]></td></tr></table><![endif]-->')}
</td></tr>
</table>
</div>
</body>
</html>`
  return page.text
}

/** Long words break rather than widen the page; Outlook knows only the second. */
const breaks = 'overflow-wrap:anywhere;word-break:break-word'

/** Keeps what follows in the mail out of the line that lists show. */
const filler = '&#8199;&#847; '.repeat(60)

/** Programs show a mail's pictures or do not, and many show no SVG: the name stands where the logo would be. */
function masthead({ product: { name, brand }, settings }: Sender): Html {
  const { logoUrl } = brand
  if (logoUrl === undefined || !/\.(png|jpe?g|gif)([?#]|$)/i.test(logoUrl)) return markup`${name}`
  const url = logoUrl.startsWith('/') ? new URL(logoUrl, settings.publicUrl).href : logoUrl
  return markup`<img class="logo" src="${url}" alt="${name}" height="32" style="height:32px;width:auto;border:0;font:600 16px/32px ${font}">`
}

const factsTable = (facts: [string, string][]): Html =>
  markup`<table class="facts" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px;border-collapse:collapse">
${facts.map(factRow)}
</table>`

/** What has several lines, as how to pay has, stands below its label with all the room there is. */
function factRow([label, value]: [string, string]): Html {
  const { border, text, quiet } = ground.light
  const line = `border-top:1px solid ${border};`
  const [labelled, told] = [
    `font:400 14px/20px ${font};color:${quiet}`,
    `font:600 14px/20px ${font};color:${text};${breaks}`,
  ]
  return value.includes('\n')
    ? markup`<tr>
<th scope="rowgroup" colspan="2" align="left" class="fact quiet" style="${line}padding:10px 0 0;text-align:left;${labelled}">${label}</th>
</tr>
<tr>
<td colspan="2" align="left" class="text" style="padding:2px 0 10px;${told}">${lines(value)}</td>
</tr>`
    : markup`<tr>
<th scope="row" align="left" valign="top" class="fact quiet" style="${line}padding:10px 16px 10px 0;text-align:left;white-space:nowrap;${labelled}">${label}</th>
<td align="right" valign="top" class="fact text" style="${line}padding:10px 0;text-align:right;font-variant-numeric:tabular-nums;${told}">${value}</td>
</tr>`
}

const lines = (value: string): Html[] =>
  value.split('\n').map((line, index) => (index === 0 ? markup`${line}` : markup`<br>${line}`))

const button = ({ label, url }: { label: string; url: string }, { light }: Accent): Html =>
  markup`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 0"><tr>
<td class="button" align="center" bgcolor="${light.ground}" style="border-radius:8px;background:${light.ground};mso-padding-alt:12px 24px"><a class="button" href="${url}" target="_blank" rel="noopener" style="display:inline-block;padding:12px 24px;font:600 16px/20px ${font};color:${light.text};background:${light.ground};border-radius:8px;text-decoration:none;${breaks}">${label}</a></td>
</tr></table>`

type Accent = Record<'light' | 'dark', { ground: string; text: string }>

/** The brand's colour as the ground of a button, moved as far as its text and the card around it need. */
function accentOf(color: string): Accent {
  return {
    light: { ground: readableOn([ground.light.card], color), text: '#ffffff' },
    dark: { ground: readableOn([ground.dark.card], color), text: ground.dark.page },
  }
}

function styleSheet({ dark: accent }: Accent): string {
  const { page, card, border, text, quiet } = ground.dark
  return [
    ':root{color-scheme:light dark;supported-color-schemes:light dark}',
    '.facts tr:last-child>*{border-bottom:1px solid #e2e8f0}',
    '@media (max-width:480px){.card{padding:24px 20px!important}}',
    '@media (prefers-color-scheme:dark){',
    `.page{background:${page}!important}`,
    `.card{background:${card}!important;border-color:${border}!important}`,
    `.text{color:${text}!important}.quiet{color:${quiet}!important}`,
    `.facts .fact,.facts tr:last-child>*{border-color:${border}!important}`,
    `.button{background:${accent.ground}!important;color:${accent.text}!important}`,
    // A dark logo on a transparent ground would not be seen.
    '.logo{background:#fff;padding:4px 8px;border-radius:6px}',
    '}',
  ].join('')
}
