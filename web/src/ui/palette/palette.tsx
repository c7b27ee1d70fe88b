import { Stack, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type KeyboardEvent } from 'react'
import { text } from '../../text/palette.ts'
import { Dialog } from '../dialog.tsx'
import { FormError } from '../form.tsx'
import type { Entry } from './entry.ts'
import { closePalette } from './opening.ts'
import classes from './palette.module.css'

/** Goes to what is found for what is typed, by keys alone: arrows choose, Enter goes, Escape leaves. */
export function Palette({
  label,
  hint,
  typed,
  onType,
  entries,
  error = null,
  isSearching = false,
}: {
  label: string
  hint: string
  typed: string
  onType: (typed: string) => void
  entries: Entry[]
  error?: Error | null
  /** There may be more in a moment. */
  isSearching?: boolean
}) {
  const listId = useId()
  const [chosen, setChosen] = useState(0)
  const navigate = useNavigate()
  const index = Math.min(chosen, entries.length - 1)
  const current = entries[index]
  const go = ({ to }: Entry) => {
    closePalette()
    void navigate(to)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && entries.length > 0) {
      event.preventDefault()
      setChosen((before) => (Math.min(before, entries.length - 1) + step + entries.length) % entries.length)
    }
    if (event.key === 'Enter' && current && !isSearching) {
      event.preventDefault()
      go(current)
    }
  }
  return (
    <Dialog title={text.title} onClose={closePalette} size="lg">
      <Stack gap="sm">
        <TextInput
          label={label}
          placeholder={hint}
          data-autofocus
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={current && `${listId}-${index}`}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          value={typed}
          onChange={({ currentTarget: { value } }) => {
            onType(value)
            setChosen(0)
          }}
          onKeyDown={onKeyDown}
        />
        <FormError error={error ?? undefined} />
        <VisuallyHidden aria-live="polite">
          {isSearching ? text.searching : text.results(entries.length)}
        </VisuallyHidden>
        {entries.length === 0 && !isSearching && !error && <Text c="dimmed">{text.nothing}</Text>}
        <div id={listId} role="listbox" aria-label={text.found} className={classes.entries} aria-busy={isSearching}>
          {entries.map((entry, place) => (
            <div
              key={entry.id}
              id={`${listId}-${place}`}
              role="option"
              tabIndex={-1}
              aria-selected={entry === current}
              className={classes.entry}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => go(entry)}
              onKeyDown={onKeyDown}
            >
              <span className={classes.name}>{entry.name}</span>
              {entry.about !== undefined && <span className={classes.about}>{entry.about}</span>}
            </div>
          ))}
        </div>
      </Stack>
    </Dialog>
  )
}
