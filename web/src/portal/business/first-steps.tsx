import { Card, CheckIcon, Group, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/business.ts'
import { CopyField, Snippet } from '../../ui/copy.tsx'
import { product } from '../../ui/page.ts'
import { words } from '../../ui/words.ts'
import { firstCall } from '../api-keys/first-call.ts'
import { apiKeysQuery } from '../data.ts'
import { ButtonLink } from '../../ui/links.tsx'
import { Rows } from '../../ui/loaded.tsx'
import { useMembership } from '../membership.tsx'
import classes from './first-steps.module.css'

type Entitlements = Record<string, Schemas['Entitlement']>
type Step = { title: string; done: boolean; body?: ReactNode }

/** From an account to the first counted unit. Gone when all of it is done; for those who may make keys. */
export function FirstSteps({ entitlements }: { entitlements: Entitlements }) {
  const { can, businessId } = useMembership()
  if (!can('api-keys:manage')) return null
  const metered = Object.entries(entitlements).find(([, { kind }]) => kind === 'metered')
  const seats = entitlements['members']
  const hasTeam = (seats?.used ?? 0) > 1
  const hasCounted = metered === undefined || (metered[1].used ?? 0) > 0
  if (hasTeam && hasCounted) return null
  return <Checklist businessId={businessId} feature={metered?.[0]} hasCounted={hasCounted} hasTeam={hasTeam} />
}

function Checklist(props: { businessId: string; feature: string | undefined; hasCounted: boolean; hasTeam: boolean }) {
  const { businessId, feature, hasCounted, hasTeam } = props
  const { data: keys = [], isPending } = useInfiniteQuery({ ...apiKeysQuery(businessId), enabled: !hasCounted })
  const key = keys.find((each) => each.key !== null && each.revokedAt === null)?.key ?? undefined
  const { firstSteps } = text
  const counting = firstSteps.count(product.features[feature ?? '']?.unit ?? words(feature ?? ''))

  // As high as what comes, which is then where it was.
  if (isPending && !hasCounted) return <Rows count={1} height={480} />

  const steps: Step[] = [
    { title: firstSteps.account, done: true },
    {
      title: firstSteps.key.title,
      done: hasCounted,
      body:
        key === undefined ? (
          <ButtonLink to="/b/$businessId/api-keys" params={{ businessId }} variant="default">
            {firstSteps.createKey}
          </ButtonLink>
        ) : (
          <>
            <Text c="dimmed">{firstSteps.key.about}</Text>
            <CopyField label={firstSteps.key.label} value={key} />
          </>
        ),
    },
  ]
  if (feature !== undefined) {
    steps.push({
      title: counting.title,
      done: hasCounted,
      body: key !== undefined && (
        <>
          <Text c="dimmed">{counting.about}</Text>
          <Snippet label={counting.label} code={firstCall(key, feature)[0]?.code ?? ''} />
        </>
      ),
    })
  }
  steps.push({
    title: firstSteps.invite.title,
    done: hasTeam,
    body: (
      <Group justify="space-between">
        <Text c="dimmed">{firstSteps.invite.about}</Text>
        <ButtonLink to="/b/$businessId/team" params={{ businessId }} variant="default">
          {firstSteps.invite.action}
        </ButtonLink>
      </Group>
    ),
  })

  return (
    <Card withBorder component="section" aria-label={firstSteps.title}>
      <Group justify="space-between" mb="md">
        <Title order={2} size="h3">
          {firstSteps.title}
        </Title>
        <Text c="dimmed" className="tabular">
          {firstSteps.done(steps.filter(({ done }) => done).length, steps.length)}
        </Text>
      </Group>
      <ol className={classes.steps}>
        {steps.map(({ title, done, body }, index) => (
          <li key={title} className={classes.step} data-done={done}>
            <span className={classes.mark} aria-hidden>
              {done ? <CheckIcon size={12} /> : index + 1}
            </span>
            <Stack gap="xs">
              <Text fw={600}>
                {done && <VisuallyHidden>{firstSteps.isDone} </VisuallyHidden>}
                {title}
              </Text>
              {!done && body}
            </Stack>
          </li>
        ))}
      </ol>
    </Card>
  )
}
