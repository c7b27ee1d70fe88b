import { Group, Stack, Text, Title } from '@mantine/core'
import { createContext, use, useEffect, useRef, type ReactNode } from 'react'
import { announce } from './announcer.tsx'
import { product } from './page.ts'

/** What one is in, a business for instance: it stands in the title, so that two tabs can be told apart. */
const PlaceContext = createContext<string | undefined>(undefined)
export const PlaceProvider = PlaceContext.Provider

let isFirst = true

/**
 * The frame of every screen: its one h1, the page's title, and what a navigation owes to those who do not see it – the
 * heading gets the focus and is announced. Not on the first load, when the browser does that.
 */
export function Screen({
  title,
  about,
  actions,
  children,
}: {
  title: string
  /** A sentence below the heading. */
  about?: ReactNode
  actions?: ReactNode
  children?: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  const place = use(PlaceContext)
  useEffect(() => {
    document.title = [...new Set([title, place ?? title, product.name])].join(' – ')
  }, [title, place])
  useEffect(() => {
    if (!isFirst) {
      heading.current?.focus({ preventScroll: true })
      announce(document.title)
    }
    isFirst = false
  }, [])
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="md">
        <Stack gap={4} miw={0} flex="1 1 16rem">
          <Title order={1} ref={heading} tabIndex={-1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {about !== undefined && <Text c="dimmed">{about}</Text>}
        </Stack>
        {actions}
      </Group>
      {children}
    </Stack>
  )
}
