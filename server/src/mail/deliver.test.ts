import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { simpleParser, type ParsedMail } from 'mailparser'
import { pino } from 'pino'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { openMailer } from './deliver.ts'

/** What the tests open, closed again in the order of opening. */
const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

type Envelope = { from: string; to: string[] }

/** A mail server that keeps what it is sent. */
async function openMailServer({ port = 0, refuses = () => false }: { port?: number; refuses?: () => boolean } = {}) {
  const received: { mail: ParsedMail; raw: string; envelope: Envelope }[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onData: (stream, session, done) => {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        if (refuses()) return done(new Error('451 try again later'))
        const raw = Buffer.concat(parts).toString('utf8')
        const { mailFrom, rcptTo } = session.envelope
        const envelope = { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) }
        return void simpleParser(raw).then((mail) => {
          received.push({ mail, raw, envelope })
          done()
        }, done)
      })
    },
  })
  server.on('error', () => {})
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { received, close, port: (server.server.address() as { port: number }).port }
}

const start = async (port: number, options: Parameters<typeof createTestFreehold>[0] = {}) => {
  const freehold = await createTestFreehold({
    worker: true,
    smtpUrl: `smtp://127.0.0.1:${port}`,
    mailFrom: 'Session Recorder <post@recorder.test>',
    publicUrl: 'https://app.recorder.test',
    ...options,
  })
  opened.push(freehold.close)
  return freehold
}

const mailTo = async ({ sql }: TestFreehold, recipient: string) =>
  (await sql('select attempts, error, sent_at, failed_at from freehold.mails where recipient = $1', [recipient]))[0]

describe('a mail', () => {
  test('arrives as text and as HTML, from and to whom it should, with the link in both', async () => {
    const server = await openMailServer()
    const freehold = await start(server.port)
    const { user } = await freehold.signUp()
    const { mail, envelope } = await freehold.eventually(async () => server.received[0], 'the mail')
    opened.push(server.close)
    expect(envelope).toEqual({ from: 'post@recorder.test', to: [user.email] })
    expect(mail.from?.value).toEqual([{ name: 'Session Recorder', address: 'post@recorder.test' }])
    expect(mail.to).toMatchObject({ value: [{ name: '', address: user.email }] })
    expect(mail.subject).toBe('Confirm your e-mail for Session Recorder')
    expect(mail.messageId).toMatch(/^<mai_[0-9a-z]{26}@app\.recorder\.test>$/)
    const link = /https:\/\/app\.recorder\.test\/verify-email#token=ver_[0-9a-z]{32}/
    expect(mail.text).toMatch(link)
    expect(mail.html).toMatch(link)
    expect(mail.attachments).toEqual([])
    const token = /#token=([\w]+)/.exec(mail.text ?? '')?.[1]
    expect((await freehold.api.post('/v1/email-verifications/confirm', { token })).status).toBe(200)
    const row = await freehold.eventually(async () => {
      const seen = await mailTo(freehold, user.email)
      return seen.sent_at && seen
    })
    expect(row).toMatchObject({ attempts: 1, error: null })
  })

  test('holds no header that somebody typed, and no script', async () => {
    const server = await openMailServer()
    const freehold = await start(server.port)
    const typed = '"Eve" <eve@evil.test>, <script>alert(1)</script> =?utf-8?Q?=0D=0ABcc:_eve@evil.test?= Bcc: x'
    const { business, token } = await freehold.signUp({ business: { name: typed }, firstName: 'Ünï 🔑' })
    const body = { email: 'guest@mail.test', role: 'member' }
    freehold.ok(await freehold.api.post(`/v1/businesses/${business.id}/invitations`, body, { token }))
    const { mail, envelope, raw } = await freehold.eventually(
      async () => server.received.find((each) => each.envelope.to.includes('guest@mail.test')),
      'the invitation',
    )
    opened.push(server.close)
    expect(envelope.to).toEqual(['guest@mail.test'])
    expect([mail.cc, mail.bcc]).toEqual([undefined, undefined])
    const [head = ''] = raw.split('\r\n\r\n')
    expect(head).not.toMatch(/^(bcc|cc):/im)
    expect(mail.to).toMatchObject({ value: [{ address: 'guest@mail.test' }] })
    expect(mail.subject).toContain('Ünï 🔑')
    expect(mail.subject).toContain('<script>alert(1)</script>')
    expect(mail.html).not.toContain('<script')
    expect(mail.html).toContain('&#60;script&#62;')
  })

  test.each(['a\r\nBcc: eve@evil.test', 'a\nb', 'a\rb', 'a\u0000b', 'a\u007fb', 'a\u2028b', 'a\u202eb'])(
    'is not written for the name %j at all',
    async (name) => {
      const freehold = await createTestFreehold()
      opened.push(freehold.close)
      for (const overrides of [{ firstName: name }, { business: { name } }]) {
        const answer = await freehold.api.post('/v1/signup', {
          business: { name: 'Acme' },
          email: 'a@mail.test',
          password,
          firstName: 'A',
          lastName: 'B',
          ...overrides,
        })
        expect(answer.status).toBe(422)
      }
      expect(await freehold.sql('select from freehold.mails')).toEqual([])
    },
  )
})

describe('a mail server', () => {
  test('that production does not have is missed, on every mail and in the log', async () => {
    const lines: string[] = []
    const logger = pino({}, { write: (line: string) => void lines.push(line) })
    const options = { production: true, worker: true, publicUrl: 'https://app.recorder.test', logger }
    const freehold = await createTestFreehold(options)
    opened.push(freehold.close)
    const { user } = await freehold.signUp()
    const row = await freehold.eventually(async () => {
      const seen = await mailTo(freehold, user.email)
      return seen.attempts > 0 && seen
    }, 'the attempt')
    expect(row).toMatchObject({ sent_at: null, failed_at: expect.any(Date) })
    expect(row.error).toMatch(/^SMTP_URL is not set/)
    expect(lines.filter((line) => line.includes('SMTP_URL is not set'))).not.toEqual([])
    expect(lines.filter((line) => line.includes('mail sent'))).toEqual([])
  })

  test('that takes too long when the process is told to end is left, and the mail is sent again', async () => {
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(
        socket
          .on('error', () => {})
          .on('close', () => open.delete(socket))
          .resume(),
      )
      socket.write('220 one moment\r\n')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const freehold = await createTestFreehold()
    opened.push(freehold.close)
    const { user } = await freehold.signUp()
    const [{ id }] = await freehold.sql('select id from freehold.mails where recipient = $1', [user.email])
    const { port } = server.address() as AddressInfo
    const mailer = openMailer(freehold.ctx, `smtp://127.0.0.1:${port}`, 'post@recorder.test')
    const delivering = mailer.deliver(id)
    await freehold.eventually(async () => open.size === 1)
    mailer.close()
    await expect(delivering).rejects.toThrow('Message sending aborted')
    expect(await mailTo(freehold, user.email)).toMatchObject({
      sent_at: null,
      error: expect.stringMatching(/aborted/),
    })
    await freehold.eventually(async () => open.size === 0)
    server.close()
  })

  test('that is down delays mail and nothing else; it arrives when the server is back', async () => {
    const down = await openMailServer()
    const { port } = down
    await down.close()
    const freehold = await start(port)
    const { user, token } = await freehold.signUp()
    expect((await freehold.api.get('/v1/me', { token })).status).toBe(200)
    expect((await freehold.api.post('/v1/password-resets', { email: user.email })).status).toBe(202)
    expect((await freehold.api.post('/v1/password-resets', { email: 'nobody@mail.test' })).status).toBe(202)

    const failed = await freehold.eventually(async () => {
      const seen = await mailTo(freehold, user.email)
      return seen.attempts > 0 && seen
    }, 'the first attempt')
    expect(failed).toMatchObject({ sent_at: null, error: expect.stringContaining('ECONNREFUSED') })
    expect(failed.error).not.toContain('#token=')
    expect(failed.failed_at).not.toBeNull()

    const back = await openMailServer({ port })
    const arrived = await freehold.eventually(
      async () => back.received.find(({ mail }) => mail.subject?.startsWith('Confirm')),
      'the next attempt',
    )
    opened.push(back.close)
    expect(arrived.envelope.to).toEqual([user.email])
    const sent = await freehold.eventually(async () => {
      const seen = await mailTo(freehold, user.email)
      return seen.sent_at && seen
    }, 'the note of it')
    expect(sent.error).toBeNull()
    expect(sent.attempts).toBeGreaterThan(1)
  })

  test('that refuses for now is asked again, with the same message id', async () => {
    let refusals = 1
    const server = await openMailServer({ refuses: () => refusals-- > 0 })
    const freehold = await start(server.port)
    const { user } = await freehold.signUp()
    const failed = await freehold.eventually(async () => {
      const seen = await mailTo(freehold, user.email)
      return seen.attempts > 0 && seen
    }, 'the refusal')
    expect(failed).toMatchObject({ sent_at: null, error: expect.stringContaining('try again later') })
    await freehold.eventually(async () => server.received[0], 'the next attempt')
    opened.push(server.close)
    expect(server.received).toHaveLength(1)
    const [row] = await freehold.sql('select id from freehold.mails where recipient = $1', [user.email])
    expect(server.received[0]?.mail.messageId).toBe(`<${row.id}@app.recorder.test>`)
  })

  test('that takes the connection and says nothing keeps no request waiting', async () => {
    const waiting = new Set<Socket>()
    const silent = createServer((socket) => void waiting.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    // Before the worker closes, which waits for its mails to give up.
    opened.push(async () => {
      silent.close()
      for (const socket of waiting) socket.destroy()
    })
    const freehold = await start((silent.address() as { port: number }).port)
    const signUps = await Promise.all(Array.from({ length: 8 }, () => freehold.signUp()))
    expect(signUps).toHaveLength(8)
    expect((await freehold.api.get('/readyz')).status).toBe(200)
  })
})
