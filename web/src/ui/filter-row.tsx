import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../text/shared.ts'
import classes from './filter-row.module.css'

/** What a list is narrowed by, and the way back from it. */
export function FilterRow({
  onClear = false,
  children,
  ...named
}: {
  onClear?: (() => void) | false
  children: ReactNode
  role?: 'search' | 'group'
  'aria-label'?: string
}) {
  return (
    <Group align="flex-end" gap="sm" className={classes.row ?? ''} {...named}>
      {children}
      {onClear && (
        <Button variant="subtle" onClick={onClear}>
          {text.clearFilters}
        </Button>
      )}
    </Group>
  )
}
