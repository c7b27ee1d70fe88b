import { Box, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { Brand } from '../../ui/brand.tsx'
import { Footer } from '../../ui/footer.tsx'

/** Around what is for somebody who is not signed in: the brand, and a narrow column. */
export function PeopleFrame({ children }: { children: ReactNode }) {
  return (
    <Stack mih="100dvh" maw={472} mx="auto" px="md" pt="xl" gap={0}>
      <Box component="header" mb="xl">
        <Brand />
      </Box>
      <Box component="main" flex={1}>
        {children}
      </Box>
      <Footer />
    </Stack>
  )
}
