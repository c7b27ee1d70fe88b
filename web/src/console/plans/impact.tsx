import { Stack, Text, Title } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text as versions } from '../../text/console-versions.ts'
import { text as plans } from '../../text/console-plans.ts'
import { text as shared } from '../../text/shared.ts'
import { TextLink } from '../../ui/links.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { capital, count, words } from '../../ui/words.ts'
import { priceText } from '../business/subscription-facts.tsx'
import { includedText } from './plan-text.ts'

const { impact: text } = versions
type Preview = Schemas['PlanPreview']
type Change = Preview['diff'][number]
type Case = Preview['wouldExceed']['first'][number]
type Version = Schemas['PlanVersion']

/** What publishing would mean: field by field, and for whom. */
export function Impact({ preview: { diff, affected, wouldExceed } }: { preview: Preview }) {
  const { businesses, cases, first } = wouldExceed
  return (
    <Stack gap="md">
      <Title order={2} size="h3">
        {text.title}
      </Title>
      <Table label={text.changes} columns={changeColumns} rows={diff} rowKey={({ field }) => field} />
      <Text>
        {text.affected(affected, count(affected))}{' '}
        {businesses === 0 ? text.fits : text.exceeds(businesses, count(businesses))}
      </Text>
      {first.length > 0 && (
        <Table
          label={text.exceeding}
          columns={caseColumns}
          rows={first}
          rowKey={({ businessId, feature }) => `${businessId} ${feature}`}
        />
      )}
      {first.length < cases && <Text c="dimmed">{text.first(count(first.length))}</Text>}
    </Stack>
  )
}

const changeColumns: Column<Change>[] = [
  { label: text.field, cell: ({ field }) => fieldText(field) },
  { label: text.from, cell: ({ field, from }) => valueText(field, from) },
  { label: text.to, cell: ({ field, to }) => <strong>{valueText(field, to)}</strong> },
]

const caseColumns: Column<Case>[] = [
  {
    label: text.business,
    cell: ({ businessId, businessName }) => (
      <TextLink to="/businesses/$businessId" params={{ businessId }} search={{ tab: 'usage' }}>
        {businessName}
      </TextLink>
    ),
  },
  { label: text.feature, cell: ({ feature }) => capital(words(feature)) },
  { label: text.used, align: 'right', cell: ({ used }) => count(used) },
  { label: text.limit, align: 'right', cell: ({ limit }) => count(limit) },
  { label: text.frozen, align: 'right', cell: ({ frozen }) => (frozen === 0 ? shared.none : count(frozen)) },
]

function fieldText(field: string): string {
  const [group = '', name] = field.split('.')
  if (group === 'prices') return versions.price.label(name ?? '')
  if (group === 'includes') return capital(words(name ?? ''))
  const { trialDays, onTrialEnd, onEnd, fallbackPlan } = versions
  const names: Record<string, string> = { trialDays, onTrialEnd, onEnd, fallbackPlan, firstPrice: text.firstPrice }
  return names[group] ?? capital(words(group))
}

/** As the field has it; what is not there on one side is a dash. */
function valueText(field: string, value: unknown): string {
  if (value === undefined) return shared.none
  const [group] = field.split('.')
  if (group === 'prices') return priceText(value as Version['prices'][string])
  if (group === 'includes') return includedText(value as Version['includes'][string])
  if (group === 'trialDays') return value === 0 ? shared.none : plans.trialDays(Number(value))
  if (group === 'onTrialEnd') return versions.onTrialEnds[value as Version['onTrialEnd']]
  if (group === 'onEnd') return versions.onEnds[value as Version['onEnd']]
  return typeof value === 'string' ? value : value === null ? shared.none : JSON.stringify(value)
}
