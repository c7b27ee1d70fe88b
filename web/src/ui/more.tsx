import { Button, Group } from '@mantine/core'
import { text } from '../text/shared.ts'

/** Below a list that goes on. */
export function More({
  of: { hasNextPage, isFetchingNextPage, fetchNextPage },
}: {
  of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> }
}) {
  if (!hasNextPage) return null
  return (
    <Group>
      <Button variant="default" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
        {text.more}
      </Button>
    </Group>
  )
}
