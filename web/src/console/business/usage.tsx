import { Button, Stack } from '@mantine/core'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text } from '../../text/console-business.ts'
import { text as shared } from '../../text/shared.ts'
import type { Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { capital, count, words } from '../../ui/words.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'
import { shown } from '../actions/override.tsx'
import { Section } from './section.tsx'

type Business = Schemas['StaffBusinessPage']
type Feature = Schemas['Entitlement'] & { name: string }

const nameOf = (feature: string) => capital(words(feature))

export function Usage({ business }: { business: Business }) {
  const features = Object.entries(business.entitlements).map(([name, each]) => ({ name, ...each }))
  return (
    <Stack gap="xl">
      <Section
        title={text.features.title}
        empty={text.nothingCounted}
        columns={featureColumns}
        rows={features}
        rowKey={({ name }) => name}
      />
      <Section
        title={text.grants.title}
        empty={text.grants.empty}
        columns={grantColumns}
        rows={business.grants}
        rowKey={({ id }) => id}
      />
      <Overrides business={business} />
    </Stack>
  )
}

const featureColumns: Column<Feature>[] = [
  { label: text.features.name, cell: ({ name }) => nameOf(name) },
  { label: text.features.used, align: 'right', cell: ({ used }) => (used === null ? shared.none : count(used)) },
  { label: text.features.limit, align: 'right', cell: limitOf },
  {
    label: text.features.left,
    align: 'right',
    cell: ({ kind, remaining }) =>
      kind !== 'metered' && kind !== 'allocated'
        ? shared.none
        : remaining === null
          ? shared.unlimited
          : count(remaining),
  },
  {
    label: text.features.resets,
    align: 'right',
    cell: ({ resetsAt }) => (resetsAt === null ? shared.none : <When at={resetsAt} />),
  },
  { label: text.features.source, align: 'right', cell: ({ source }) => text.features.sources[source] },
]

function limitOf({ kind, limit, enabled, value }: Feature): string {
  if (kind === 'switch') return shown(enabled ?? false)
  return shown(kind === 'value' ? (value ?? null) : limit)
}

const grantColumns: Column<Schemas['Grant']>[] = [
  { label: text.grants.feature, cell: ({ feature }) => nameOf(feature) },
  { label: text.grants.reason, cell: ({ reason }) => reason },
  { label: text.grants.given, cell: ({ createdAt }) => <When at={createdAt} /> },
  { label: text.grants.amount, align: 'right', cell: ({ amount }) => count(amount) },
  { label: text.grants.remaining, align: 'right', cell: ({ remaining }) => count(remaining) },
  {
    label: text.grants.expires,
    align: 'right',
    cell: ({ expiresAt }) => (expiresAt === null ? shared.never : <When at={expiresAt} />),
  },
]

function Overrides({ business: { id, overrides } }: { business: Business }) {
  const [feature, setFeature] = useState<string>()
  const columns: Column<Schemas['LimitOverride']>[] = [
    { label: text.grants.feature, cell: ({ feature }) => nameOf(feature) },
    { label: text.grants.reason, cell: ({ reason }) => reason },
    { label: text.overrides.since, cell: ({ createdAt }) => <When at={createdAt} /> },
    { label: text.overrides.limit, align: 'right', cell: ({ limit }) => shown(limit) },
    {
      label: text.grants.expires,
      align: 'right',
      cell: ({ expiresAt }) => (expiresAt === null ? shared.never : <When at={expiresAt} />),
    },
    {
      label: '',
      align: 'right',
      cell: ({ feature }) => (
        <Button size="compact-xs" variant="default" onClick={() => setFeature(feature)}>
          {actions.override.restore}
        </Button>
      ),
    },
  ]
  return (
    <>
      <Section
        title={text.overrides.title}
        empty={text.overrides.empty}
        columns={columns}
        rows={overrides}
        rowKey={({ feature }) => feature}
      />
      {feature !== undefined && (
        <ActionDialog
          businessId={id}
          title={actions.override.restoreTitle(words(feature))}
          submit={actions.override.restore}
          initial={{}}
          send={({ reason }) =>
            answer(
              api.DELETE('/v1/staff/businesses/{id}/limits/{feature}', {
                params: { path: { id, feature } },
                body: { reason },
              }),
            )
          }
          said={() => actions.override.restored}
          onClose={() => setFeature(undefined)}
        />
      )}
    </>
  )
}
