import { createServer, type AddressInfo, type Socket } from 'node:net'

/** Speaks just enough of PostgreSQL's protocol to say that it is of some version, and knows nothing else. */
export async function fakePostgres(version: number): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]))
      socket.on('data', (data) => answer(socket, data, version))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `postgres://anybody@127.0.0.1:${port}/any`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const int4 = 23

/** Every question is answered with one row of one number: the version. */
function answer(socket: Socket, data: Buffer, version: number): void {
  const value = Buffer.from(String(version))
  const column = [Buffer.from('version\0'), int32(0), int16(0), int32(int4), int16(4), int32(-1), int16(0)]
  const row = [
    message('T', Buffer.concat([int16(1), ...column])),
    message('D', Buffer.concat([int16(1), int32(value.length), value])),
    message('C', Buffer.from('SELECT 1\0')),
    message('Z', Buffer.from('I')),
  ]
  const isQuestion = data.includes('select')
  if (isQuestion && data[0] === 'P'.charCodeAt(0)) row.unshift(message('1', Buffer.of()), message('2', Buffer.of()))
  if (isQuestion) socket.write(Buffer.concat(row))
}

const message = (type: string, body: Buffer) => Buffer.concat([Buffer.from(type), int32(body.length + 4), body])

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
