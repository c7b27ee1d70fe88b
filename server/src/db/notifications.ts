import pg from 'pg'
import type { Logger } from 'pino'

/**
 * One connection that listens. Notifications only speed things up: whoever subscribes must be right without them within
 * a second or at the next look-up. `onReconnect` lets subscribers catch up on what they missed.
 */
export type Notifications = { close: () => Promise<void> }

export async function listen(
  connection: pg.ClientConfig,
  log: Logger,
  handlers: Record<string, (payload: string) => void>,
  onReconnect: () => void,
): Promise<Notifications> {
  let client: pg.Client | undefined
  let closed = false
  let retry: NodeJS.Timeout | undefined

  const connect = async () => {
    const next = new pg.Client({ ...connection, application_name: 'freehold listener', keepAlive: true })
    next.on('notification', ({ channel, payload }) => handlers[channel]?.(payload ?? ''))
    next.on('error', (error) => {
      log.debug({ error: error.message }, 'the notification connection broke')
    })
    next.on('end', reconnectSoon)
    await next.connect()
    for (const channel of Object.keys(handlers)) await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    client = next
  }
  const reconnectSoon = () => {
    if (closed || retry !== undefined) return
    retry = setTimeout(() => {
      retry = undefined
      connect().then(onReconnect, reconnectSoon)
    }, 500)
    retry.unref()
  }

  await connect()
  return {
    close: async () => {
      closed = true
      clearTimeout(retry)
      await client?.end()
    },
  }
}
