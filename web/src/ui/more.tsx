import { Button, Group } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { text } from '../text/shared.ts'

type Going = {
  data: unknown[] | undefined
  hasNextPage: boolean
  isFetchingNextPage: boolean
  isError: boolean
  fetchNextPage: () => Promise<unknown>
}

/** As far as an address may ask at once. */
const mostRows = 2000

/**
 * Below a list that goes on. Of the list that a screen is about, `kept`, the address says how far one has gone: whoever
 * loads it again, or gets it from somebody, sees as much.
 */
export function More({ of, kept = false }: { of: Going; kept?: boolean }) {
  const { data, hasNextPage, isFetchingNextPage, isError, fetchNextPage } = of
  const search: Record<string, unknown> = useSearch({ strict: false })
  const navigate = useNavigate()
  const shown = data?.length ?? 0
  const wanted = kept ? Math.min(mostRows, Number(search['rows']) || 0) : 0
  const isBehind = hasNextPage && !isFetchingNextPage && !isError && shown < wanted
  useEffect(() => {
    if (isBehind) void fetchNextPage()
  }, [isBehind, fetchNextPage])
  if (!hasNextPage) return null
  const go = () => {
    // One more than there are: the next page, whatever its length.
    const further: Record<string, unknown> = { ...search, rows: shown + 1 }
    if (kept && !isError) void navigate({ to: '.', search: further, replace: true })
    else void fetchNextPage()
  }
  return (
    <Group>
      <Button variant="default" onClick={go} loading={isFetchingNextPage}>
        {text.more}
      </Button>
    </Group>
  )
}
