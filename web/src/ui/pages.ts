import { infiniteQueryOptions } from '@tanstack/react-query'

type Page<Item> = { items: Item[]; nextCursor?: string | null }

/** A list that comes in pages, as the API gives every list. */
export const pages = <Item>(
  queryKey: unknown[],
  ask: (query: { limit: number; cursor?: string }) => Promise<Page<Item>>,
  limit = 100,
) =>
  infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam }) => ask({ limit, ...(pageParam === undefined ? {} : { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    select: (data) => data.pages.flatMap(({ items }) => items),
  })
