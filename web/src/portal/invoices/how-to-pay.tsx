import { Alert, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../../text/invoices.ts'
import { money, utcDay } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { isAwaited, isOverdue, type Invoice } from './data.ts'

/** What is to pay, until when, and how it is known for what. */
export function HowToPay({ invoice, children }: { invoice: Invoice; children?: ReactNode }) {
  const { number, amountDue, currency, dueAt } = invoice
  const name = number ?? ''
  const due = utcDay(new Date(dueAt ?? invoice.createdAt))
  const { subscription } = useMembership()
  const overdue = isOverdue(invoice, subscription)
  const awaited = isAwaited(invoice, subscription) ? subscription?.awaitingPayment?.plan.name : undefined
  const since = overdue ? text.overdueSince(name, due) : text.openSince(name, due)
  return (
    <Alert color={overdue ? 'danger' : 'warning'} title={text.openTitle(money(amountDue, currency))}>
      <Stack gap="xs" align="flex-start">
        <Text>{awaited === undefined ? since : text.beginsWith(awaited, name)}</Text>
        <Text>
          {text.howToPay(name)} {text.goesOn}
        </Text>
        {children}
      </Stack>
    </Alert>
  )
}
