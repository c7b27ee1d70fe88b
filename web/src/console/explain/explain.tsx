import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/explain.ts'
import { Explanation } from '../../ui/explanation.tsx'
import { Screen } from '../../ui/screen.tsx'

const route = getRouteApi('/explain')

/** For whoever is asked why something did not work, with nothing but the id of the request. */
export function Explain() {
  const { id = '' } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Screen title={text.title} about={text.about}>
      <Explanation
        key={id}
        requestId={id}
        onAsk={(asked) => void navigate({ search: asked === '' ? {} : { id: asked } })}
      />
    </Screen>
  )
}
