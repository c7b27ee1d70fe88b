import { Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../../text/console-actions.ts'
import classes from './preview.module.css'

export type Change = { label: string; before?: ReactNode; after: ReactNode }

/** What an action will change, before it does. */
export function Preview({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return null
  return (
    <Stack gap={4}>
      <Text fw={600} id="preview">
        {text.preview}
      </Text>
      <dl className={classes.preview} aria-labelledby="preview">
        {changes.map(({ label, before, after }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {before !== undefined && <>{before} → </>}
              <strong>{after}</strong>
            </dd>
          </div>
        ))}
      </dl>
    </Stack>
  )
}
