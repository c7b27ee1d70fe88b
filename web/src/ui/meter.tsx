import { Group, Stack, Text } from '@mantine/core'
import { text } from '../text/shared.ts'
import classes from './meter.module.css'
import { When } from './time.tsx'
import { count } from './words.ts'

type Standing = { used: number | null; limit: number | null; remaining: number | null; resetsAt: string | null }

/** How far a limit is used up. Quiet until 80 %; red only where it stops somebody; always in words, too. */
export function Meter({ label, standing }: { label: string; standing: Standing }) {
  const { limit, remaining, resetsAt } = standing
  const used = standing.used ?? 0
  const state =
    limit === null ? 'free' : remaining === 0 && used >= limit ? 'blocked' : used >= limit * 0.8 ? 'near' : 'calm'
  const amount = limit === null ? text.meter.unlimited(count(used)) : text.meter.used(count(used), count(limit))
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text fw={600}>{label}</Text>
        <Text className="tabular">{amount}</Text>
      </Group>
      {limit !== null && (
        <div
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={Math.max(limit, used, 1)}
          aria-valuenow={used}
          aria-valuetext={amount}
          className={classes.track}
          data-state={state}
        >
          <div
            className={classes.fill}
            style={{ width: `${limit === 0 ? 100 : Math.min(100, (used / limit) * 100)}%` }}
          />
        </div>
      )}
      {(resetsAt !== null || state === 'blocked' || state === 'near') && (
        <Text size="xs" c="dimmed">
          {state === 'blocked' && `${text.meter.blocked} `}
          {state === 'near' && `${text.meter.near} `}
          {resetsAt !== null && (
            <>
              {text.meter.resets} <When at={resetsAt} />
            </>
          )}
        </Text>
      )}
    </Stack>
  )
}
