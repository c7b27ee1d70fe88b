import { Stack, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type KeyboardEvent } from 'react'
import { answer, api } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { FormError } from '../../ui/form.tsx'
import { businessEntry, personEntry, requestEntries, screensNamed, type Entry } from './entries.ts'
import { closePalette } from './opening.ts'
import classes from './palette.module.css'

const { palette: text } = lists
const shownOfEach = 6

/** Finds a business or a person, or goes to a screen, by keys alone: arrows choose, Enter goes, Escape leaves. */
export default function Palette() {
  const listId = useId()
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const navigate = useNavigate()
  const { entries, error, isSearching } = useEntries(typed)
  const current = entries[Math.min(chosen, entries.length - 1)]
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
          label={text.label}
          placeholder={text.hint}
          data-autofocus
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={current && `${listId}-${current.id}`}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          value={typed}
          onChange={({ currentTarget: { value } }) => {
            setTyped(value)
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
          {entries.map((entry) => (
            <div
              key={entry.id}
              id={`${listId}-${entry.id}`}
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

/** Screens at once; what the server finds when nothing was typed for a moment. */
function useEntries(typed: string) {
  const wanted = typed.trim()
  const [search] = useDebouncedValue(wanted, 200)
  // The id of a request says all by itself.
  const requests = requestEntries(wanted)
  const isAsked = search.length >= 2 && requests.length === 0
  const query = { search, limit: shownOfEach }
  const shared = { enabled: isAsked, placeholderData: keepPreviousData }
  const businesses = useQuery({
    ...shared,
    queryKey: ['palette', 'businesses', search],
    queryFn: () => answer(api.GET('/v1/staff/businesses', { params: { query } })),
  })
  const people = useQuery({
    ...shared,
    queryKey: ['palette', 'people', search],
    queryFn: () => answer(api.GET('/v1/staff/users', { params: { query } })),
  })
  const isOpen = wanted.length >= 2 && requests.length === 0
  const found = isOpen
    ? [...(businesses.data?.items ?? []).map(businessEntry), ...(people.data?.items ?? []).map(personEntry)]
    : []
  return {
    entries: [...requests, ...screensNamed(wanted.toLowerCase()), ...found],
    error: isOpen ? (businesses.error ?? people.error) : null,
    isSearching: isOpen && (search !== wanted || businesses.isFetching || people.isFetching),
  }
}
