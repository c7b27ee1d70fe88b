import { Alert, Stack, Text } from '@mantine/core'
import { text } from '../../text/invoices.ts'
import { TextLink } from '../../ui/links.tsx'
import { money, utcDay } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { isAwaited, isOverdue, type Invoice } from './data.ts'

/** What is to pay and until when. Of a list, with the way to how; of one invoice, with that itself. */
export function HowToPay({ invoice, instructions }: { invoice: Invoice; instructions?: string | null }) {
  const { id, number, amountDue, currency, dueAt } = invoice
  const name = number ?? ''
  const due = utcDay(new Date(dueAt ?? invoice.createdAt))
  const { businessId, subscription } = useMembership()
  const overdue = isOverdue(invoice, subscription)
  const awaited = isAwaited(invoice, subscription) ? subscription?.awaitingPayment?.plan.name : undefined
  const since = overdue ? text.overdueSince(name, due) : text.openSince(name, due)
  return (
    <Alert color={overdue ? 'danger' : 'warning'} title={text.openTitle(money(amountDue, currency))}>
      <Stack gap="xs" align="flex-start">
        <Text>{awaited === undefined ? since : text.beginsWith(awaited, name)}</Text>
        {instructions === undefined ? (
          <TextLink to="/b/$businessId/invoices/$invoiceId" params={{ businessId, invoiceId: id }}>
            {text.seeHow}
          </TextLink>
        ) : (
          <>
            <Text style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>{instructions ?? text.asAgreed}</Text>
            <Text>
              {text.nameIt(name)} {text.goesOn}
            </Text>
          </>
        )}
      </Stack>
    </Alert>
  )
}
