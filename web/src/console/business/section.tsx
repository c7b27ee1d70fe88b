import { Group, Stack, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Empty } from '../../ui/loaded.tsx'
import { Table, type Column } from '../../ui/table.tsx'

/** A list with its heading, or what is said where there is none. */
export function Section<Row extends object>(props: {
  title: string
  empty: string
  columns: Column<Row>[]
  rows: Row[]
  rowKey: (row: Row) => string
  dense?: boolean
  actions?: ReactNode
  children?: ReactNode
}) {
  const { title, empty, columns, rows, rowKey, dense = false, actions, children } = props
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Title order={2} size="h3">
          {title}
        </Title>
        {actions}
      </Group>
      {rows.length === 0 ? (
        <Empty>{empty}</Empty>
      ) : (
        <Table label={title} columns={columns} rows={rows} rowKey={rowKey} dense={dense} />
      )}
      {children}
    </Stack>
  )
}
