import { VisuallyHidden } from '@mantine/core'
import type { Key, ReactNode } from 'react'
import { text } from '../text/shared.ts'
import classes from './table.module.css'

export type Column<Row> = {
  /** Above the column, and before the value where rows are cards. Without text it is for actions. */
  label: string
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** A word or two, which stay whole where there is room for a table. */
  short?: true
}

/** What of a text stays together where there is room: all of it, or its words; an address may be longer than a column. */
function wholeness(content: ReactNode): 'line' | 'words' | undefined {
  // An address or an ID is whole or it is not read.
  if (typeof content === 'string' && /^\S{1,36}$/.test(content)) return 'line'
  if (typeof content !== 'string' || /\S{25}/.test(content)) return undefined
  return content.length < 25 ? 'line' : 'words'
}

/** Of words that are all as short as these there is room for beside each other wherever there is a table. */
const hasShortWords = (content: ReactNode) => typeof content === 'string' && !/\S{11}/.test(content)

const isNothing = (content: ReactNode) => content === text.none || content === null || content === false

/** A table that becomes a list of labelled cards where it is narrow, and stays a table to those who hear it. */
export function Table<Row>({
  label,
  columns,
  rows,
  rowKey,
  dense = false,
}: {
  label: string
  columns: Column<Row>[]
  rows: Row[]
  rowKey: (row: Row) => Key
  /** A few short columns of many rows: low lines, and a table on a phone too. */
  dense?: boolean
}) {
  return (
    <table className={`${classes.table} ${dense ? classes.dense : classes.cards}`} aria-label={label} role="table">
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.label} scope="col" role="columnheader" data-align={column.align}>
              {column.label === '' ? <VisuallyHidden>{text.actions}</VisuallyHidden> : column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={rowKey(row)} role="row">
            {columns.map(({ label, align, short, cell }) => {
              const content = cell(row)
              return (
                <td
                  key={label}
                  role="cell"
                  data-label={label}
                  data-align={align}
                  data-short={short}
                  data-none={isNothing(content) || undefined}
                  data-whole={wholeness(content)}
                  data-unbroken={hasShortWords(content) || undefined}
                >
                  <div>{content}</div>
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
