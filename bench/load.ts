import { execFile, execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import autocannon from 'autocannon'

export type Load = {
  url: string
  connections: number
  seconds: number
  /** Bearer tokens to spread the requests over. */
  keys: string[]
  body: Record<string, unknown>
  /** The business each bearer names in its body, for sessions. */
  businesses?: string[]
  /** Adds an idempotency key of its own to every request. */
  idempotent?: boolean
}

/** `errors`: answers that were no 2xx, and requests that got none. */
export type Measured = { perSecond: number; p50: number; p99: number; errors: number }

/** wrk spends a fraction of what autocannon does; the table says which one it was. */
export const generator = ((): 'wrk' | 'autocannon' => {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' })
    return 'wrk'
  } catch (error) {
    return (error as { status?: number }).status === 1 ? 'wrk' : 'autocannon'
  }
})()

export function load(run: Load): Promise<Measured> {
  return generator === 'wrk' ? withWrk(run) : withAutocannon(run)
}

let scripts = 0

async function withWrk({ url, connections, seconds, keys, body, businesses, idempotent }: Load): Promise<Measured> {
  scripts += 1
  const script = join(tmpdir(), `freehold-bench-${process.pid}-${scripts}.lua`)
  const json = JSON.stringify(body)
  await writeFile(
    script,
    `local keys = { ${keys.map((key) => `"${key}"`).join(', ')} }
local businesses = { ${(businesses ?? []).map((id) => `"${id}"`).join(', ')} }
local count = 0
local prefix = tostring(os.time()) .. tostring(math.random(1000000000))
request = function()
  count = count + 1
  local body = '${json}'
  local at = (count * 7919) % #keys + 1
  if #businesses > 0 then body = '${json.slice(0, -1)},"businessId":"' .. businesses[at] .. '"}' end
  ${idempotent ? `body = '${json.slice(0, -1)},"idempotencyKey":"' .. prefix .. count .. '"}'` : ''}
  return wrk.format("POST", nil, {
    ["authorization"] = "Bearer " .. keys[at],
    ["content-type"] = "application/json"
  }, body)
end
done = function(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %f %f %f %d\\n", summary.requests / (summary.duration / 1000000),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors))
end
`,
  )
  const { stdout } = await promisify(execFile)('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    url,
  ]).finally(() => rm(script))
  const [perSecond = 0, p50 = 0, p99 = 0, errors = 0] = (/RESULT (.*)/.exec(stdout)?.[1] ?? '').split(' ').map(Number)
  return { perSecond, p50, p99, errors }
}

async function withAutocannon({
  url,
  connections,
  seconds,
  keys,
  body,
  businesses,
  idempotent,
}: Load): Promise<Measured> {
  let count = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    method: 'POST',
    setupClient: (client) => {
      const next = () => {
        count += 1
        const at = (count * 7919) % keys.length
        client.setHeadersAndBody(
          { authorization: `Bearer ${keys[at]}`, 'content-type': 'application/json' },
          JSON.stringify({
            ...body,
            ...(businesses ? { businessId: businesses[at] } : {}),
            ...(idempotent ? { idempotencyKey: `${process.pid}-${performance.now()}-${count}` } : {}),
          }),
        )
      }
      next()
      client.on('response', next)
    },
  })
  return {
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    errors: result.non2xx + result.errors + result.timeouts,
  }
}
