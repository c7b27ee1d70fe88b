import { useSyncExternalStore } from 'react'

/** Whether somebody is looking for something: asked by a key, a button and the palette itself. */
let isOpen = false
const listeners = new Set<() => void>()

function set(next: boolean): void {
  isOpen = next
  for (const tell of listeners) tell()
}
export const openPalette = () => set(true)
export const closePalette = () => set(false)

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
export const usePaletteOpen = () => useSyncExternalStore(subscribe, () => isOpen)
