import { QueryCache, QueryClient } from '@tanstack/react-query'
import { Refusal } from '../api.ts'

/** Kept by every screen, gone with the page. `onSignedOut` is told when the server knows the session no more. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof Refusal && error.status === 401) onSignedOut()
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // A refusal stays one; what could not be reached may be reached a moment later.
        retry: (failures, error) =>
          failures < 2 && error instanceof Refusal && [0, 502, 503, 504].includes(error.status),
      },
      // An answer may hold a key that is shown once: it is gone with the screen that asked for it.
      mutations: { retry: false, gcTime: 0 },
    },
  })
}

/** For what changes while one looks: asks every few seconds until it is as hoped for, and only while it is looked at. */
export const every =
  <Data>(milliseconds: number, until: (data: Data) => boolean) =>
  ({ state: { data, error } }: { state: { data: Data | undefined; error: Error | null } }) =>
    error !== null || (data !== undefined && until(data)) ? false : milliseconds
