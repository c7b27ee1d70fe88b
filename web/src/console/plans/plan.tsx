import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { Refusal, type Schemas } from '../../api.ts'
import { text } from '../../text/console-plans.ts'
import { text as versions } from '../../text/console-versions.ts'
import { text as shared } from '../../text/shared.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import type { Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { count } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { planQuery } from '../data.ts'
import { NotFound } from '../not-found.tsx'
import { Offer } from './offer.tsx'
import { includesText, pricesText } from './plan-text.ts'
import { PlanState } from './plans.tsx'

const route = getRouteApi('/plans/$planKey')

/** One plan: every version that was sold, and how many are on it. */
export function Plan() {
  const { planKey } = route.useParams()
  const plan = useQuery(planQuery(planKey))
  const [isOffering, setOffering] = useState(false)
  if (plan.error instanceof Refusal && plan.error.status === 404) return <NotFound />
  return (
    <Loaded query={plan}>
      {(known) => (
        <Screen
          key={known.key}
          title={known.name}
          about={<PlanState plan={known} />}
          actions={
            <Group gap="xs">
              <Button variant="default" onClick={() => setOffering(true)}>
                {versions.offer.action}
              </Button>
              <ButtonLink to="/plans/$planKey/new-version" params={{ planKey }}>
                {versions.action}
              </ButtonLink>
            </Group>
          }
        >
          {isOffering && <Offer plan={known} onClose={() => setOffering(false)} />}
          <Section
            title={text.versions}
            empty={text.empty}
            columns={columns}
            rows={known.versions}
            rowKey={({ version }) => String(version)}
          />
        </Screen>
      )}
    </Loaded>
  )
}

const columns: Column<Schemas['PlanVersion']>[] = [
  { label: text.version, cell: ({ version }) => version },
  { label: text.published, cell: ({ createdAt }) => <When at={createdAt} /> },
  { label: text.price, cell: ({ prices }) => pricesText(prices) },
  { label: text.trial, cell: ({ trialDays }) => (trialDays === 0 ? shared.none : text.trialDays(trialDays)) },
  { label: text.includes, cell: ({ includes }) => includesText(includes) },
  { label: text.customers, align: 'right', cell: ({ subscriptions }) => count(subscriptions) },
]
