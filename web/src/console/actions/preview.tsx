import { Stack, Text, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../../text/console-actions.ts'
import classes from './preview.module.css'

export type Change = { label: string; before?: ReactNode; after: ReactNode }

/** Drawn, as not every font has one; read as a word. */
const Arrow = () => (
  <>
    <svg viewBox="0 0 14 10" width={14} height={10} aria-hidden focusable={false}>
      <path d="M1 5h11M8.5 1.5 12 5 8.5 8.5" fill="none" stroke="currentColor" strokeWidth={1.5} />
    </svg>
    <VisuallyHidden>{text.becomes}</VisuallyHidden>
  </>
)

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
              {before !== undefined && (
                <>
                  {before} <Arrow />{' '}
                </>
              )}
              <strong>{after}</strong>
            </dd>
          </div>
        ))}
      </dl>
    </Stack>
  )
}
