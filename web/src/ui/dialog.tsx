import { Group, Modal } from '@mantine/core'
import { useEffect, useState, type ReactNode } from 'react'
import { text } from '../text/shared.ts'
import classes from './dialog.module.css'

/**
 * A dialog, named by its title. Without `onClose` nothing but what is in it closes it. Put together from parts, because
 * the whole one would bring a second banner into the page.
 */
export function Dialog({
  title,
  onClose,
  size = 'md',
  children,
}: {
  title: string
  onClose?: () => void
  size?: 'md' | 'lg'
  children: ReactNode
}) {
  useFocusBack()
  const mayClose = onClose !== undefined
  return (
    <Modal.Root
      opened
      onClose={onClose ?? (() => {})}
      closeOnClickOutside={mayClose}
      closeOnEscape={mayClose}
      centered
      size={size}
      classNames={{ content: classes.dialog ?? '' }}
    >
      <Modal.Overlay backgroundOpacity={0.4} />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" p="md">
          <Modal.Title fw={600} fz="lg" lh="lg">
            {title}
          </Modal.Title>
          {mayClose && <Modal.CloseButton aria-label={text.close} />}
        </Group>
        <Modal.Body pt={0}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

/** What had the focus before the first of some dialogs that follow each other. */
let opener: HTMLElement | undefined

/**
 * Gives the focus back to what opened the dialog: it is gone from the page at once, so the library has no time to. Unless
 * something else has taken it meanwhile, the heading of another screen for instance.
 */
function useFocusBack(): void {
  const [from] = useState(() => {
    const { activeElement: at } = document
    if (at instanceof HTMLElement && at !== document.body && !at.closest('[role="dialog"]')) opener = at
    return opener
  })
  useEffect(
    () => () => {
      setTimeout(() => {
        const isFree = document.activeElement === document.body && !document.querySelector('[role="dialog"]')
        if (isFree && from?.isConnected === true) from.focus({ preventScroll: true })
      })
    },
    [from],
  )
}
