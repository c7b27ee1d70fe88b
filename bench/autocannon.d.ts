// The part of autocannon's API that bench/load.ts uses; the package brings no types.
declare module 'autocannon' {
  type Client = {
    setHeadersAndBody: (headers: Record<string, string>, body: string) => void
    on: (event: 'response', listener: () => void) => void
  }
  type Result = {
    requests: { average: number }
    latency: { p50: number; p99: number }
    non2xx: number
    errors: number
    timeouts: number
  }
  export default function autocannon(options: {
    url: string
    connections: number
    duration: number
    method: string
    setupClient: (client: Client) => void
  }): Promise<Result>
}
