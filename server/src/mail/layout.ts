import { escapeHtml } from '../html.ts'

/** What a mail says; how it looks is the same for all. */
export type MailContent = {
  subject: string
  /** Paragraphs of plain text. */
  paragraphs: string[]
  /** The one thing to do, as a button. */
  action?: { label: string; url: string }
  /** Small print below the button. */
  note?: string
}

export function renderMail(productName: string, { subject, paragraphs, action, note }: MailContent) {
  const text = [
    ...paragraphs,
    ...(action ? [`${action.label}:\n${action.url}`] : []),
    ...(note ? [note] : []),
    `-- \n${productName}`,
  ].join('\n\n')
  const paragraph = (content: string, style: string) => `<p style="margin:0 0 16px;${style}">${escapeHtml(content)}</p>`
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(subject)}</title></head>`,
    '<body style="margin:0;padding:32px 16px;background:#f8fafc;font:16px/1.5 Inter,system-ui,sans-serif;color:#0f172a">',
    '<div style="max-width:520px;margin:0 auto;padding:32px;background:#fff;border:1px solid #e2e8f0;border-radius:8px">',
    paragraph(productName, 'font-weight:600'),
    ...paragraphs.map((each) => paragraph(each, '')),
    ...(action
      ? [
          `<p style="margin:24px 0"><a href="${escapeHtml(action.url)}" style="display:inline-block;padding:10px 20px;`,
          'background:#3538cd;color:#fff;border-radius:8px;text-decoration:none;font-weight:600">',
          `${escapeHtml(action.label)}</a></p>`,
        ]
      : []),
    ...(note ? [paragraph(note, 'color:#475569;font-size:14px')] : []),
    '</div></body></html>',
  ].join('')
  return { subject: oneLine(subject), text, html }
}

/** Header values must not carry line breaks: what follows one would be a header of its own. */
const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
