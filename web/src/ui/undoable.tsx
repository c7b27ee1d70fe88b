import { Button, Group, Text } from '@mantine/core'
import { text } from '../text/shared.ts'

/** What worked, and the way back from it. */
export const Undoable = ({ message, undo }: { message: string; undo: () => void }) => (
  <Group justify="space-between" gap="xs" wrap="nowrap">
    <Text>{message}</Text>
    <Button size="compact-sm" variant="default" onClick={undo}>
      {text.undo}
    </Button>
  </Group>
)
