import { Group, Modal } from '@mantine/core'
import type { ReactNode } from 'react'
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
          <Modal.Title fw={600} fz="lg">
            {title}
          </Modal.Title>
          {mayClose && <Modal.CloseButton aria-label={text.close} />}
        </Group>
        <Modal.Body pt={0}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
