import { Stack, Text } from '@mantine/core'
import { text as plans } from '../../text/plan.ts'
import { now } from '../../ui/page.ts'
import { Day } from '../../ui/time.tsx'
import { sum } from '../../ui/words.ts'
import { Sums } from '../invoices/sums.tsx'
import type { Choice, Preview } from './data.ts'
import { priceText } from './included.ts'

const { dialog: text } = plans

/** What is to pay now and why, when it begins, and what it is afterwards. */
export function Cost({ choice: { plan, price }, preview }: { choice: Choice; preview: Preview }) {
  const { lines, dueNow, currency, effectiveAt } = preview
  const whole = lines.reduce((total, { amount }) => total + amount, 0)
  const terms = plan.prices[price]
  const isLater = Date.parse(effectiveAt) > now().getTime() + 60_000
  const begins = dueNow > 0 ? text.onPayment : isLater ? <Day at={effectiveAt} /> : text.atOnce
  const rest = whole < 0 ? [{ label: text.toCredit, value: sum(-whole, currency) }] : []
  const fromCredit = Math.max(0, whole) - dueNow
  return (
    <Stack gap={4}>
      <Text fw={600}>{text.cost}</Text>
      <Sums
        rows={[
          ...lines.map(({ description, amount, periodStart, periodEnd }) => ({
            label: (
              <>
                {description} (<Day at={periodStart} /> – <Day at={periodEnd} />)
              </>
            ),
            value: sum(amount, currency),
          })),
          ...(fromCredit > 0 ? [{ label: text.fromCredit, value: sum(-fromCredit, currency) }] : []),
          ...rest,
          { label: text.dueNow, value: sum(dueNow, currency), strong: true },
          ...(terms ? [{ label: text.afterwards, value: priceText(terms) }] : []),
          { label: text.begins, value: begins },
        ]}
      />
      {dueNow > 0 && <Text c="dimmed">{text.invoiced}</Text>}
    </Stack>
  )
}
