import { Group, NativeSelect, useMantineColorScheme } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { text } from '../text/shared.ts'
import { page } from './page.ts'

// Of development servers only: nobody else loads it.
const TimeTravel = lazy(() => import('./time-travel.tsx'))

const schemes = ['auto', 'light', 'dark'] as const

/** Below every screen: how it should look to whoever looks. Kept in this browser, and said to nobody. */
export function Footer({ renewal }: { renewal?: string | undefined }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Group component="footer" justify="flex-end" mt="xl" py="lg">
      {page.development && (
        <Suspense>
          <TimeTravel renewal={renewal} />
        </Suspense>
      )}
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
