import { Group, NativeSelect, useMantineColorScheme } from '@mantine/core'
import { text } from '../text/shared.ts'

const schemes = ['auto', 'light', 'dark'] as const

/** Below every screen: how it should look to whoever looks. Kept in this browser, and said to nobody. */
export function Footer() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Group component="footer" justify="flex-end" mt="xl" py="lg">
      <NativeSelect
        size="xs"
        aria-label={text.appearance.label}
        value={colorScheme}
        onChange={(event) => {
          const { value } = event.currentTarget
          const chosen = schemes.find((each) => each === value)
          if (chosen) setColorScheme(chosen)
        }}
        data={schemes.map((value) => ({ value, label: text.appearance[value] }))}
      />
    </Group>
  )
}
