import { Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { text } from '../../text/plan.ts'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { meQuery } from '../data.ts'
import { Needs, useMembership } from '../membership.tsx'
import { ChangePlan } from './change-plan.tsx'
import { CurrentPlan } from './current-plan.tsx'
import { plansQuery, type Choice } from './data.ts'
import { PlanCards } from './plan-cards.tsx'

/** What the business has bought, and what else there is. */
export function PlanScreen() {
  return (
    <Screen title={text.title}>
      <Needs permission="subscription:read">
        <Plans />
      </Needs>
    </Screen>
  )
}

function Plans() {
  const { subscription } = useMembership()
  const plans = useQuery(plansQuery)
  const [choice, setChoice] = useState<Choice>()
  // Somebody else pays, somewhere else: what waits for it begins while one looks.
  useQuery({ ...meQuery, refetchInterval: subscription?.awaitingPayment ? 5000 : false })
  return (
    <>
      <CurrentPlan />
      <Stack gap="md">
        <Title order={2}>{text.plans}</Title>
        <Loaded query={plans} skeleton={<Rows count={2} height={240} />}>
          {(all) => (all.length === 0 ? <Empty>{text.noPlans}</Empty> : <PlanCards plans={all} onChoose={setChoice} />)}
        </Loaded>
      </Stack>
      {choice && (
        <ChangePlan
          choice={choice}
          plans={plans.data ?? []}
          onChoose={setChoice}
          onClose={() => setChoice(undefined)}
        />
      )}
    </>
  )
}
