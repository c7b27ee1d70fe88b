import pg from 'pg'
import type { Logger } from 'pino'
import { disconnect, takeLeave } from './open.ts'

/**
 * One connection that listens. Notifications only speed things up: what rests on them asks `heard`, which turns false
 * within a second of the connection being cut, silently too. `onGap` tells that some may have been missed.
 */
export type Notifications = { heard: () => boolean; close: () => Promise<void> }

const heartbeatMilliseconds = 300
const silenceMilliseconds = 900
const retryMilliseconds = 500
/** How long a connection may take to be made. */
const connectMilliseconds = 5_000
/** How long closing waits for a database that may have stopped to take leave of us. */
const leaveMilliseconds = 1_000

export async function listen(
  connection: pg.ClientConfig,
  log: Logger,
  handlers: Record<string, (payload: string) => void>,
  onGap: () => void,
): Promise<Notifications> {
  let client: pg.Client | undefined
  let onItsWay: pg.Client | undefined
  let connecting = Promise.resolve()
  let closed = false
  let lastHeard = -Infinity

  const connect = async () => {
    const next = new pg.Client({
      ...connection,
      application_name: 'freehold listener',
      keepAlive: true,
      connectionTimeoutMillis: connectMilliseconds,
      query_timeout: connectMilliseconds,
    })
    next.on('notification', ({ channel, payload }) => handlers[channel]?.(payload ?? ''))
    next.on('error', (error) => {
      log.debug({ error: error.message }, 'the notification connection broke')
    })
    next.on('end', () => {
      if (client === next) lost()
    })
    onItsWay = next
    try {
      await next.connect()
      for (const channel of Object.keys(handlers)) await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      disconnect(next)
      throw error
    } finally {
      onItsWay = undefined
    }
    client = next
    lastHeard = performance.now()
  }
  const lost = () => {
    const broken = client
    client = undefined
    lastHeard = -Infinity
    onGap()
    if (broken) disconnect(broken)
    if (!closed) setTimeout(reconnect, retryMilliseconds).unref()
  }
  const reconnect = () => {
    if (closed) return
    connecting = connect().then(onGap, () => void setTimeout(reconnect, retryMilliseconds).unref())
  }
  const isSilent = () => performance.now() - lastHeard > silenceMilliseconds
  let unanswered: pg.Client | undefined
  const heartbeat = setInterval(() => {
    const beating = client
    if (!beating) return
    // In a process that stood still the answer may have come and only not have been read yet.
    if (isSilent()) return void setImmediate(() => client === beating && isSilent() && lost())
    if (unanswered === beating) return
    unanswered = beating
    beating.query('select 1').then(
      () => {
        unanswered = undefined
        if (client === beating) lastHeard = performance.now()
      },
      () => {},
    )
  }, heartbeatMilliseconds)
  heartbeat.unref()

  try {
    await connect()
  } catch (error) {
    clearInterval(heartbeat)
    throw error
  }
  return {
    heard: () => performance.now() - lastHeard < silenceMilliseconds,
    close: async () => {
      closed = true
      clearInterval(heartbeat)
      if (onItsWay) disconnect(onItsWay)
      await connecting
      const last = client
      client = undefined
      if (last) await takeLeave(last.end(), [last], leaveMilliseconds)
    },
  }
}
