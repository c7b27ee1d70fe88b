import { Card, NativeSelect, SimpleGrid, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { Bars } from '../../ui/bars.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import type { Column } from '../../ui/table.tsx'
import { count, percent, sum, utcMonth } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { metricMonths, metricsQuery } from '../lists.ts'

const { metrics: text } = lists
const route = getRouteApi('/metrics')
type Metrics = Schemas['Metrics']
type MonthOfRevenue = Metrics['revenue'][number]['months'][number]

/** How the product does, month by month. */
export function MetricsPage() {
  const { months = '12' } = route.useSearch()
  const navigate = route.useNavigate()
  const metrics = useQuery(metricsQuery(Number(months)))
  return (
    <Screen
      title={text.title}
      about={text.about}
      actions={
        <NativeSelect
          label={text.months}
          value={months}
          data={[...metricMonths]}
          onChange={({ currentTarget: { value } }) =>
            void navigate({ search: { months: value as (typeof metricMonths)[number] } })
          }
        />
      }
    >
      <Loaded query={metrics} skeleton={<Rows count={4} height={160} />}>
        {(known) => (
          <Stack gap="xl">
            <Businesses months={known.months} />
            {known.revenue.length === 0 && <Empty>{text.noRevenue}</Empty>}
            {known.revenue.map(({ currency, months: each }) => (
              <Revenue key={currency} currency={currency} months={each} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Screen>
  )
}

const bars = <Month extends { month: string }>(months: Month[], value: (month: Month) => number) =>
  months.map((month, index) => ({
    label: utcMonth(new Date(month.month)),
    value: value(month),
    running: index === months.length - 1,
  }))

function Businesses({ months }: { months: Metrics['months'] }) {
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <Chart title={text.signUps} bars={bars(months, ({ signUps }) => signUps)} shown={count} />
        <Chart title={text.active} bars={bars(months, ({ active }) => active)} shown={count} />
      </SimpleGrid>
      <Section
        dense
        title={`${text.signUps} · ${text.active}`}
        empty=""
        columns={businessColumns}
        rows={months.toReversed()}
        rowKey={({ month }) => month}
      />
    </Stack>
  )
}

function Chart({ title, ...props }: Omit<Parameters<typeof Bars>[0], 'label'>) {
  return (
    <Card withBorder>
      <Bars title={title} label={text.chart(title)} {...props} />
    </Card>
  )
}

function Revenue({ currency, months }: { currency: string; months: MonthOfRevenue[] }) {
  const shown = (amount: number) => sum(amount, currency)
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <Chart title={text.mrr(currency)} bars={bars(months, ({ mrr }) => mrr)} shown={shown} />
        <Chart title={text.churn(currency)} bars={bars(months, ({ churnRate }) => churnRate ?? 0)} shown={percent} />
      </SimpleGrid>
      <Section
        title={text.movements(currency)}
        empty=""
        columns={revenueColumns(shown)}
        rows={months.toReversed()}
        rowKey={({ month }) => month}
      />
    </Stack>
  )
}

const monthColumn = {
  label: text.month,
  cell: ({ month }: { month: string }) => <time dateTime={month}>{utcMonth(new Date(month))}</time>,
}

const businessColumns: Column<Metrics['months'][number]>[] = [
  monthColumn,
  { label: text.signUps, align: 'right', cell: ({ signUps }) => count(signUps) },
  { label: text.active, align: 'right', cell: ({ active }) => count(active) },
]

const movements = ['new', 'reactivation', 'expansion', 'contraction', 'churn'] as const

const revenueColumns = (shown: (amount: number) => string): Column<MonthOfRevenue>[] => [
  monthColumn,
  ...movements.map((kind): Column<MonthOfRevenue> => ({
    label: text.kinds[kind],
    align: 'right',
    cell: (month) => (month[kind] === 0 ? shared.none : shown(month[kind])),
  })),
  { label: text.revenue, align: 'right', cell: ({ mrr }) => shown(mrr) },
  { label: text.paying, align: 'right', cell: ({ paying }) => count(paying) },
  {
    label: text.churnRate,
    align: 'right',
    cell: ({ churnRate }) => (churnRate === null ? shared.none : percent(churnRate)),
  },
]
