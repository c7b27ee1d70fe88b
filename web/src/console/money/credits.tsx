import { Button, Group, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { text as shared } from '../../text/shared.ts'
import { Loaded } from '../../ui/loaded.tsx'
import type { Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { money, sum } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { balancesQuery, creditsQuery } from '../data.ts'
import { CreditMoney, type Balance, type Direction } from './credit-money.tsx'

const { credits: text, credit } = ledger

/** What a business has in hand, and what became of it. */
export function Credits({ businessId }: { businessId: string }) {
  const balances = useQuery(balancesQuery(businessId))
  const entries = useInfiniteQuery(creditsQuery(businessId))
  const [direction, setDirection] = useState<Direction>()
  const inHand = (balances.data ?? []).filter(({ balance }) => balance > 0)
  return (
    <>
      <Loaded query={entries}>
        {(rows) => (
          <Section title={text.title} empty={text.empty} columns={columns} rows={rows} rowKey={({ id }) => id}>
            <Group>
              {entries.hasNextPage && (
                <Button
                  variant="default"
                  onClick={() => void entries.fetchNextPage()}
                  loading={entries.isFetchingNextPage}
                >
                  {shared.more}
                </Button>
              )}
              <Button variant="default" onClick={() => setDirection('give')}>
                {credit.give.action}
              </Button>
              {inHand.length > 0 && (
                <Button variant="default" onClick={() => setDirection('take')}>
                  {credit.take.action}
                </Button>
              )}
              {balances.data && rows.length > 0 && <InHand balances={inHand} />}
            </Group>
          </Section>
        )}
      </Loaded>
      {direction && (
        <CreditMoney businessId={businessId} direction={direction} onClose={() => setDirection(undefined)} />
      )}
    </>
  )
}

function InHand({ balances }: { balances: Balance[] }) {
  return (
    <Text className="tabular">
      {balances.length === 0
        ? text.none
        : `${text.balance}: ${balances.map(({ balance, currency }) => money(balance, currency)).join(', ')}`}
    </Text>
  )
}

const columns: Column<Schemas['CreditEntry']>[] = [
  { label: text.at, cell: ({ createdAt }) => <When at={createdAt} /> },
  { label: text.reason, cell: ({ reason }) => reason },
  { label: text.amount, align: 'right', cell: ({ amount, currency }) => sum(amount, currency) },
  { label: text.after, align: 'right', cell: ({ balanceAfter, currency }) => sum(balanceAfter, currency) },
]
