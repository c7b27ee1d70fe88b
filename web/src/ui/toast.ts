import { notifications } from '@mantine/notifications'
import { createElement } from 'react'
import { text } from '../text/shared.ts'
import { Undoable } from './undoable.tsx'

/** Says that something worked; of what can be taken back, for longer and with the way to. What did not work is said where it was tried. */
export function toast(message: string, undo?: () => void): void {
  const id = notifications.show({
    message: undo ? createElement(Undoable, { message, undo: () => takeBack(id, undo) }) : message,
    color: 'success',
    autoClose: undo ? 10_000 : 4000,
    closeButtonProps: { 'aria-label': text.close },
  })
}

function takeBack(id: string, undo: () => void): void {
  notifications.hide(id)
  undo()
}
