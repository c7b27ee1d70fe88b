import { Button, Stack, Text, type ButtonProps } from '@mantine/core'
import type { MouseEventHandler, ReactNode } from 'react'

type Props = ButtonProps & {
  /** Why it may not be pressed now; undefined while it may. */
  barred: string | undefined
  /** Says so in sight, below it: for the first action of a screen. */
  inSight?: boolean
  onClick: MouseEventHandler<HTMLButtonElement>
  children: ReactNode
}

/** A button that says why it does nothing. It stays in reach of the keyboard: what is disabled is passed over in silence. */
export function BarredButton({ barred, inSight = false, onClick, ...props }: Props) {
  const button = (
    <Button
      {...props}
      {...(barred === undefined
        ? { onClick }
        : { 'data-disabled': true, 'aria-disabled': true, 'aria-description': barred, title: barred })}
    />
  )
  if (!inSight || barred === undefined) return button
  return (
    <Stack gap={4}>
      {button}
      <Text size="xs" c="dimmed">
        {barred}
      </Text>
    </Stack>
  )
}
