import { Group, Stack, Text } from '@mantine/core'
import classes from './bars.module.css'

export type Bar = { label: string; value: number; /** What it counts is not over. */ running?: boolean }

/** A bar for each of some periods, from zero; the running one is hatched. Its numbers belong into a table beside it. */
export function Bars({
  title,
  label,
  bars,
  shown,
  limit,
}: {
  title: string
  label: string
  bars: Bar[]
  shown: (value: number) => string
  /** A dashed line where it is full, and what it says. */
  limit?: { value: number; label: string }
}) {
  // Shares are below 1, and where there is nothing there is nothing to divide by.
  const most = Math.max(...bars.map(({ value }) => value), limit?.value ?? 0) || 1
  const last = bars.at(-1)
  return (
    <Stack component="figure" gap={4} m={0} miw={0}>
      <Group component="figcaption" justify="space-between" gap="xs" wrap="nowrap">
        <Text fw={600}>{title}</Text>
        {last && <Text className="tabular">{shown(last.value)}</Text>}
      </Group>
      <div role="img" aria-label={label} className={classes.chart}>
        {bars.map(({ label: name, value, running = false }) => (
          <div
            key={name}
            title={`${name}: ${shown(value)}`}
            className={classes.bar}
            data-running={running}
            style={{ height: value > 0 ? `max(1px, ${(value / most) * 100}%)` : 0 }}
          />
        ))}
        {limit && <div className={classes.limit} style={{ bottom: `${(limit.value / most) * 100}%` }} />}
      </div>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">
          {bars[0]?.label}
        </Text>
        {limit && <Text size="xs">{limit.label}</Text>}
        {bars.length > 1 && (
          <Text size="xs" c="dimmed">
            {last?.label}
          </Text>
        )}
      </Group>
    </Stack>
  )
}
