import { Button, Stack } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { text } from '../../text/shared.ts'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Table, type Column } from '../../ui/table.tsx'

/** A list that comes in pages: what is there, what is said where nothing is, and more on demand. */
export function Pages<Row extends object>(props: {
  label: string
  query: UseInfiniteQueryResult<Row[]>
  empty: string
  columns: Column<Row>[]
  rowKey: (row: Row) => string
  /** Back to all of them, where filters leave some out. */
  onReset?: (() => void) | false
}) {
  const { label, query, empty, columns, rowKey, onReset = false } = props
  return (
    <Loaded query={query} skeleton={<Rows count={8} height={36} />}>
      {(rows) => (
        <Stack gap="md">
          {rows.length === 0 ? (
            <Empty
              action={
                onReset && (
                  <Button variant="default" onClick={onReset}>
                    {text.clearFilters}
                  </Button>
                )
              }
            >
              {onReset ? text.nothingMatches : empty}
            </Empty>
          ) : (
            <Table label={label} columns={columns} rows={rows} rowKey={rowKey} />
          )}
          <More of={query} kept />
        </Stack>
      )}
    </Loaded>
  )
}
