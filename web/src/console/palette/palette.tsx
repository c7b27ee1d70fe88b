import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { Palette } from '../../ui/palette/palette.tsx'
import { businessEntry, personEntry, requestEntries, screensNamed } from './entries.ts'

const { palette: text } = lists
const shownOfEach = 6

/** Finds a business or a person, or goes to a screen. */
export default function ConsolePalette() {
  const [typed, setTyped] = useState('')
  return <Palette label={text.label} hint={text.hint} typed={typed} onType={setTyped} {...useEntries(typed)} />
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
