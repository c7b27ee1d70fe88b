import { Box } from '@mantine/core'
import type { ReactNode } from 'react'
import { Brand } from '../../ui/brand.tsx'
import { Footer } from '../../ui/footer.tsx'

/** Around what is for somebody who is not signed in: the brand, and a narrow column. */
export function PeopleFrame({ children }: { children: ReactNode }) {
  return (
    <Box mih="100dvh" px="md" py="xl">
      <Box component="header" maw={440} mx="auto" mb="xl">
        <Brand />
      </Box>
      <Box component="main" maw={440} mx="auto">
        {children}
      </Box>
      <Box maw={440} mx="auto">
        <Footer />
      </Box>
    </Box>
  )
}
