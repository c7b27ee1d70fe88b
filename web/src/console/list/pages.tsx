import { Stack } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
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
}) {
  const { label, query, empty, columns, rowKey } = props
  return (
    <Loaded query={query} skeleton={<Rows count={8} height={36} />}>
      {(rows) => (
        <Stack gap="md">
          {rows.length === 0 ? (
            <Empty>{empty}</Empty>
          ) : (
            <Table label={label} columns={columns} rows={rows} rowKey={rowKey} />
          )}
          <More of={query} />
        </Stack>
      )}
    </Loaded>
  )
}
