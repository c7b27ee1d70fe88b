import { useQuery } from '@tanstack/react-query'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-plans.ts'
import { text as shared } from '../../text/shared.ts'
import { TextLink } from '../../ui/links.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { count } from '../../ui/words.ts'
import { plansQuery } from '../data.ts'
import { pricesText } from './plan-text.ts'

export function Plans() {
  const plans = useQuery(plansQuery)
  return (
    <Screen title={text.title}>
      <Loaded query={plans} skeleton={<Rows count={4} height={36} />}>
        {(all) =>
          all.length === 0 ? (
            <Empty>{text.empty}</Empty>
          ) : (
            <Table label={text.title} columns={columns} rows={all} rowKey={({ key }) => key} />
          )
        }
      </Loaded>
    </Screen>
  )
}

const columns: Column<Schemas['StaffPlan']>[] = [
  {
    label: text.name,
    cell: ({ key, name }) => (
      <TextLink to="/plans/$planKey" params={{ planKey: key }} fw={600}>
        {name}
      </TextLink>
    ),
  },
  { label: text.state, cell: (plan) => <PlanState plan={plan} /> },
  { label: text.price, cell: ({ prices }) => pricesText(prices) },
  { label: text.trial, cell: ({ trialDays }) => (trialDays === 0 ? shared.none : text.trialDays(trialDays)) },
  { label: text.version, align: 'right', cell: ({ version }) => version },
  {
    label: text.customers,
    align: 'right',
    cell: ({ key, subscriptions }) => (
      <TextLink to="/businesses" search={{ plan: key }}>
        {count(subscriptions)}
      </TextLink>
    ),
  },
]

export function PlanState({ plan: { archived, hidden } }: { plan: Pick<Schemas['StaffPlan'], 'archived' | 'hidden'> }) {
  if (archived) return <Tag>{text.archived}</Tag>
  return hidden ? <Tag tone="warning">{text.hidden}</Tag> : <Tag tone="success">{text.public}</Tag>
}
