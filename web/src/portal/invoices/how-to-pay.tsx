import { Alert, Stack, Text } from '@mantine/core'
import { text } from '../../text/invoices.ts'
import { tellsOverdue } from '../../ui/banner.ts'
import { TextLink } from '../../ui/links.tsx'
import { Panel } from '../../ui/panel.tsx'
import { money, utcDay } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { isAwaited, isOverdue, type Invoice } from './data.ts'

/** What is to pay and until when. Of a list, with the way to how; of one invoice, with that itself. */
export function HowToPay({ invoice, instructions }: { invoice: Invoice; instructions?: string | null }) {
  const { id, number, amountDue, currency, dueAt } = invoice
  const name = number ?? ''
  const due = utcDay(new Date(dueAt ?? invoice.createdAt))
  const membership = useMembership()
  const { businessId, subscription } = membership
  const overdue = isOverdue(invoice, subscription)
  const awaited = isAwaited(invoice, subscription) ? subscription?.awaitingPayment?.plan.name : undefined
  const since = overdue ? text.overdueSince(name, due) : text.openSince(name, due)
  const way = instructions !== undefined && (
    <>
      <Text style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{instructions ?? text.asAgreed}</Text>
      <Text>
        {text.nameIt(name)} {text.goesOn}
      </Text>
    </>
  )
  if (overdue && tellsOverdue(membership)) return way && <Panel title={text.how}>{way}</Panel>
  return (
    <Alert color={overdue ? 'danger' : 'warning'} title={text.openTitle(money(amountDue, currency))}>
      <Stack gap="xs" align="flex-start">
        <Text>{awaited === undefined ? since : text.beginsWith(awaited, name)}</Text>
        {way || (
          <TextLink to="/b/$businessId/invoices/$invoiceId" params={{ businessId, invoiceId: id }}>
            {text.seeHow}
          </TextLink>
        )}
      </Stack>
    </Alert>
  )
}
