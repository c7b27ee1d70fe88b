import { Alert, Button, Card, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { useEffect, useState, type ReactNode } from 'react'
import { Refusal } from '../api.ts'
import { text } from '../text/shared.ts'

/**
 * What was asked for, or how it stands with that: the layout's skeleton when it takes longer than one notices, and what
 * went wrong in place, with a way to try again. The frame around it stays.
 */
export function Loaded<Data>({
  query,
  skeleton,
  forbidden,
  children,
}: {
  query: UseQueryResult<Data>
  skeleton?: ReactNode
  /** What to show whoever may not see it. */
  forbidden?: ReactNode
  children: (data: Data) => ReactNode
}) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) {
    const isForbidden = query.error instanceof Refusal && query.error.status === 403
    if (isForbidden && forbidden !== undefined) return forbidden
    return <Failed error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
  }
  return <Late>{skeleton ?? <Rows />}</Late>
}

/** Nothing at first: what is there at once need not flicker. */
function Late({ children }: { children: ReactNode }) {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div aria-busy="true">
      <VisuallyHidden>{text.loading}</VisuallyHidden>
      <div style={{ visibility: isLate ? 'visible' : 'hidden' }}>{children}</div>
    </div>
  )
}

/** The shape of a list that is not there yet. */
export function Rows({ count = 3, height = 48 }: { count?: number; height?: number }) {
  return (
    <Stack gap="xs">
      {Array.from({ length: count }, (_, index) => (
        <Skeleton key={index} height={height} />
      ))}
    </Stack>
  )
}

export function Failed({ error, retry, busy }: { error: Error; retry: () => void; busy: boolean }) {
  return (
    <Alert color="danger" role="alert" title={text.failed}>
      <Stack gap="xs" align="flex-start">
        <Text>{error.message}</Text>
        {error instanceof Refusal && error.requestId !== undefined && (
          <Text size="xs" c="dimmed" ff="monospace">
            {text.requestId(error.requestId)}
          </Text>
        )}
        <Button variant="default" size="xs" onClick={retry} loading={busy}>
          {text.retry}
        </Button>
      </Stack>
    </Alert>
  )
}

/** A list without entries: one sentence and what to do first. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <Card withBorder p="xl">
      <Stack align="center" gap="md">
        <Text c="dimmed" ta="center">
          {children}
        </Text>
        {action}
      </Stack>
    </Card>
  )
}
