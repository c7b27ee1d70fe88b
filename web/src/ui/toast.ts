import { notifications } from '@mantine/notifications'
import { text } from '../text/shared.ts'

/** Says that something worked. What did not, is said where it was tried. */
export function toast(message: string): void {
  notifications.show({ message, color: 'success', closeButtonProps: { 'aria-label': text.close } })
}
