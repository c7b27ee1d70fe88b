import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { text } from '../../text/business.ts'
import { Palette } from '../../ui/palette/palette.tsx'
import { meQuery } from '../data.ts'
import { entriesFor } from './entries.ts'

/** Goes to a screen, to another business, or to what a pasted id is of. */
export default function PortalPalette() {
  const [typed, setTyped] = useState('')
  const { businessId } = useParams({ strict: false })
  const { data, error, isPending } = useQuery(meQuery)
  const { label, hint } = text.palette
  return (
    <Palette
      label={label}
      hint={hint}
      typed={typed}
      onType={setTyped}
      entries={entriesFor(typed, data?.memberships ?? [], businessId)}
      error={error}
      isSearching={isPending}
    />
  )
}
