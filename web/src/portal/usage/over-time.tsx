import { NativeSelect, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/usage.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { Bars } from '../../ui/bars.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { now } from '../../ui/page.ts'
import { known } from '../../ui/search.ts'
import { Table } from '../../ui/table.tsx'
import { capital, count, utcDay, words } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { seriesQuery } from './data.ts'
import { ranges, views, type UsageSearch } from './search.ts'

const route = getRouteApi('/b/$businessId/usage')

type Props = { features: string[]; entitlements: Record<string, Schemas['Entitlement']> }

/** One feature day by day, as a chart and as the same numbers in a table. */
export function OverTime({ features, entitlements }: Props) {
  const { businessId } = useMembership()
  const search = known(route.useSearch(), 'feature', 'days', 'from', 'to', 'shown')
  const navigate = route.useNavigate()
  const feature = features.find((each) => each === search.feature) ?? features[0] ?? ''
  const { from, to, shown = 'each' } = search
  const days = from === undefined ? (search.days ?? 'period') : 'chosen'
  const series = useQuery(seriesQuery(businessId, feature, search))
  const show = (change: UsageSearch) => void navigate({ search: { ...search, ...change }, replace: true })
  const things = words(feature)
  const showDays = (value: string) => {
    const { days: _days, from: _from, to: _to, ...others } = search
    const range = ranges.find((each) => each === value)
    // Days of one's own begin as those that one sees.
    const seen = series.data?.map(({ start }) => start.slice(0, 10)) ?? []
    const chosen = { from: seen[0] ?? today(), to: seen.at(-1) ?? today() }
    void navigate({ search: { ...others, ...(range === undefined ? chosen : { days: range }) }, replace: true })
  }
  // Only a period has the limit that is counted against.
  const limit = shown === 'total' && days === 'period' ? (entitlements[feature]?.limit ?? null) : null
  return (
    <Stack gap="md" component="section" aria-labelledby="over-time">
      <Title order={2} id="over-time">
        {text.overTime}
      </Title>
      <FilterRow>
        <NativeSelect
          label={text.feature}
          value={feature}
          onChange={({ currentTarget }) => show({ feature: currentTarget.value })}
          data={features.map((value) => ({ value, label: capital(words(value)) }))}
        />
        <NativeSelect
          label={text.range}
          value={days}
          onChange={({ currentTarget: { value } }) => showDays(value)}
          data={[
            ...ranges.map((value) => ({ value, label: text.ranges[value] })),
            { value: 'chosen', label: text.chosenDays },
          ]}
        />
        {from !== undefined && to !== undefined && (
          <>
            <TextInput
              label={text.from}
              type="date"
              value={from}
              max={to}
              onChange={({ currentTarget: { value } }) => value !== '' && value <= to && show({ from: value })}
            />
            <TextInput
              label={text.to}
              type="date"
              value={to}
              min={from}
              onChange={({ currentTarget: { value } }) => value !== '' && value >= from && show({ to: value })}
            />
          </>
        )}
        <NativeSelect
          label={text.shown}
          value={shown}
          onChange={({ currentTarget: { value } }) => show({ shown: views.find((each) => each === value) ?? 'each' })}
          data={views.map((value) => ({ value, label: text.views[value] }))}
        />
      </FilterRow>
      <Loaded query={series} skeleton={<Rows count={1} height={200} />}>
        {(items) => {
          const rows = daysOf(items)
          if (rows.every(({ amount }) => amount === 0)) return <Empty>{text.empty(things)}</Empty>
          return (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" style={{ alignItems: 'start' }}>
              {/* A few bars would be as wide as walls. */}
              <Stack gap="xs" maw={Math.max(240, rows.length * 40)}>
                <Bars
                  title={capital(things)}
                  label={summary(things, rows)}
                  bars={rows.map(({ day, amount, total, isRunning }) => ({
                    label: day,
                    value: shown === 'each' ? amount : total,
                    running: isRunning,
                  }))}
                  shown={count}
                  {...(limit !== null && { limit: { value: limit, label: text.limitIs(count(limit)) } })}
                />
                {rows.some(({ isRunning }) => isRunning) && (
                  <Text size="xs" c="dimmed">
                    {text.unfinished}
                  </Text>
                )}
              </Stack>
              <Table
                dense
                label={text.table(things)}
                rows={rows.toReversed()}
                rowKey={({ day }) => day}
                columns={[
                  { label: text.day, cell: ({ day }) => day },
                  { label: text.used, align: 'right', cell: ({ amount }) => count(amount) },
                  { label: text.total, align: 'right', cell: ({ total }) => count(total) },
                ]}
              />
            </SimpleGrid>
          )
        }}
      </Loaded>
    </Stack>
  )
}

const today = () => now().toISOString().slice(0, 10)

type Day = { day: string; amount: number; total: number; isRunning: boolean }

function daysOf(items: { start: string; amount: number }[]): Day[] {
  let total = 0
  return items.map(({ start, amount }) => {
    total += amount
    const begun = new Date(start)
    return { day: utcDay(begun), amount, total, isRunning: begun.getTime() + 86_400_000 > now().getTime() }
  })
}

function summary(things: string, rows: Day[]): string {
  const most = rows.reduce((best, each) => (each.amount > best.amount ? each : best))
  return text.chart(capital(things), count(rows.at(-1)?.total ?? 0), count(most.amount), most.day)
}
