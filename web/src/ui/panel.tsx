import { Card, Group, Stack, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A part of a screen with a heading of its own, such as one form of several. */
export function Panel({ title, mark, children }: { title: string; mark?: ReactNode; children: ReactNode }) {
  return (
    <Card withBorder component="section" aria-label={title} maw={560} w="100%">
      <Group gap="xs" mb="md">
        <Title order={2} size="h3">
          {title}
        </Title>
        {mark}
      </Group>
      <Stack align="stretch">{children}</Stack>
    </Card>
  )
}
