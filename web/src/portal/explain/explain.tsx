import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/explain.ts'
import { Explanation } from '../../ui/explanation.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Needs } from '../membership.tsx'

const route = getRouteApi('/b/$businessId/explain')

/** Why a request of this business was refused. */
export function Explain() {
  const { id = '' } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Screen title={text.title} about={text.about}>
      <Needs permission="usage:read">
        <Explanation
          key={id}
          requestId={id}
          onAsk={(asked) => void navigate({ search: asked === '' ? {} : { id: asked } })}
        />
      </Needs>
    </Screen>
  )
}
