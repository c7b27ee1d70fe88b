import { TextLink } from '../../ui/links.tsx'
import type { Tab } from '../business/tabs.ts'

/** To a business, and what of it is meant. */
export function BusinessLink({ of: { id, name }, tab }: { of: { id: string; name: string }; tab?: Tab }) {
  return (
    <TextLink
      to="/businesses/$businessId"
      params={{ businessId: id }}
      search={tab === undefined ? {} : { tab }}
      fw={600}
    >
      {name}
    </TextLink>
  )
}
