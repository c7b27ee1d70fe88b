import { Group, Stack, Text } from '@mantine/core'
import { useId } from 'react'
import classes from './bars.module.css'

export type Bar = { label: string; value: number; /** What it counts is not over. */ running?: boolean }

const height = 100
const barWidth = 10
const gap = 4

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
  const hatch = useId()
  const most = Math.max(1, ...bars.map(({ value }) => value), limit?.value ?? 0)
  const width = bars.length * (barWidth + gap) - gap
  const last = bars.at(-1)
  return (
    <Stack component="figure" gap={4} m={0} miw={0}>
      <Group component="figcaption" justify="space-between" gap="xs" wrap="nowrap">
        <Text fw={600}>{title}</Text>
        {last && <Text className="tabular">{shown(last.value)}</Text>}
      </Group>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className={classes.chart}
      >
        <defs>
          <pattern id={hatch} width="3" height="3" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="1.5" height="3" className={classes.bar} />
          </pattern>
        </defs>
        {bars.map(({ label: name, value, running = false }, index) => {
          const tall = Math.max(value > 0 ? 1 : 0, (value / most) * height)
          return (
            <rect
              key={name}
              x={index * (barWidth + gap)}
              y={height - tall}
              width={barWidth}
              height={tall}
              className={running ? undefined : classes.bar}
              fill={running ? `url(#${hatch})` : undefined}
            >
              <title>{`${name}: ${shown(value)}`}</title>
            </rect>
          )
        })}
        {limit && (
          <line
            x1={0}
            x2={width}
            y1={height - (limit.value / most) * height}
            y2={height - (limit.value / most) * height}
            className={classes.limit}
          />
        )}
      </svg>
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
