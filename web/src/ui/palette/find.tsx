import { Button } from '@mantine/core'
import { Suspense, useEffect, type ReactNode } from 'react'
import { text } from '../../text/palette.ts'
import { openPalette, usePaletteOpen } from './opening.ts'

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)

/** The way to a palette: a button, and ⌘K or Ctrl K everywhere. What it opens may be loaded when it is first asked for. */
export function Find({ children }: { children: ReactNode }) {
  const isOpen = usePaletteOpen()
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return
      // A dialog has something to say first.
      if (document.querySelector('[role="dialog"]')) return
      event.preventDefault()
      openPalette()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <>
      <Button
        variant="default"
        size="compact-sm"
        aria-keyshortcuts={isMac ? 'Meta+K' : 'Control+K'}
        title={isMac ? text.keyOnMac : text.key}
        onClick={openPalette}
      >
        {text.find}
      </Button>
      {isOpen && <Suspense fallback={null}>{children}</Suspense>}
    </>
  )
}
