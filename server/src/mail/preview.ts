import { html, Html, htmlPage, styleSheet } from '../html.ts'

/** Pages on which a maintainer reads mails, and what a mail's own markup may do where it is shown. */

/** A mail's HTML is shown by itself, in a frame: it runs nothing, sends nothing, and opens links in another window. */
export const mailPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src https: data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-popups allow-popups-to-escape-sandbox',
].join('; ')

const sheet = styleSheet(`
:root { color-scheme: light dark } body { margin: 0 auto; max-width: 1080px; padding: 24px 16px; font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 20px } li { margin: 4px 0 } small { opacity: .8 } pre { white-space: pre-wrap; overflow-wrap: anywhere }
iframe { width: 100%; height: 720px; border: 1px solid #8291a7; border-radius: 8px; background: #fff }
iframe.narrow { width: 360px; max-width: 100% } dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px } dd { margin: 0 }
`)

export const previewPolicy = [
  "default-src 'none'",
  sheet.source,
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (title: string, content: Html[]): string =>
  htmlPage(
    title,
    sheet.element,
    html`<main>
      <h1>${title}</h1>
      ${content}
    </main>`,
  )

export type Listed = { href: string; subject: string; about: string }

export const listPage = (title: string, other: { href: string; label: string }, items: Listed[]): string =>
  page(title, [
    html`<p><a href="${other.href}">${other.label}</a></p>`,
    items.length === 0 ? html`<p>There is none yet.</p>` : new Html(''),
    html`<ul>
      ${items.map(
        ({ href, subject, about }) => html`<li><a href="${href}">${subject}</a> <small>${about}</small></li>`,
      )}
    </ul>`,
  ])

/** One mail: wide, narrow and as text. `at` is where its own markup is. */
export const mailPage = (
  back: string,
  at: string,
  { template, to, subject, text }: { template: string; to: string; subject: string; text: string },
): string =>
  page(subject, [
    html`<p><a href="${back}">Back to all</a></p>
      <dl>
        <dt>Template</dt>
        <dd>${template}</dd>
        <dt>To</dt>
        <dd>${to}</dd>
      </dl>
      <h2>Wide</h2>
      <iframe src="${at}" title="${subject}, wide" sandbox="allow-popups"></iframe>
      <h2>Narrow</h2>
      <iframe class="narrow" src="${at}" title="${subject}, narrow" sandbox="allow-popups"></iframe>
      <h2>Text</h2>`,
    new Html(`<pre>${html`${text}`.text}</pre>`),
  ])
