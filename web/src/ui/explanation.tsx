import { Alert, Anchor, Button, Card, Group, List, Stack, Text, TextInput, Title } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api, Refusal, type Schemas } from '../api.ts'
import { text } from '../text/explain.ts'
import { Facts } from './facts.tsx'
import { Empty, Loaded, Rows } from './loaded.tsx'
import { page } from './page.ts'
import { Tag } from './tag.tsx'
import { Moment } from './time.tsx'
import { valueText } from './value-text.ts'

type Denial = Schemas['Denial']
type Step = Denial['explanation']['steps'][number]

const denialQuery = (requestId: string) =>
  queryOptions({
    queryKey: ['explain', requestId],
    // Not to be found is an answer here, and nothing that went wrong.
    queryFn: () =>
      answer(api.GET('/v1/explain/{requestId}', { params: { path: { requestId } } })).catch((error: unknown) => {
        if (error instanceof Refusal && error.status === 404) return null
        throw error
      }),
    enabled: requestId !== '',
  })

/** Asks for a request, and shows what the gate looked at, step by step, and which step refused it. */
export function Explanation({ requestId, onAsk }: { requestId: string; onAsk: (requestId: string) => void }) {
  const [typed, setTyped] = useState(requestId)
  const denial = useQuery(denialQuery(requestId))
  return (
    <Stack gap="lg">
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          onAsk(typed.trim())
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput
            label={text.requestId}
            description={text.requestIdHint}
            value={typed}
            maxLength={100}
            spellCheck={false}
            flex="1 1 20rem"
            maw={480}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit">{text.submit}</Button>
        </Group>
      </form>
      {requestId === '' ? (
        <Empty>{text.empty}</Empty>
      ) : (
        <Loaded query={denial} skeleton={<Rows count={6} />}>
          {(found) =>
            found === null ? (
              <Alert color="warning" title={text.unknown.title}>
                {text.unknown.about}
              </Alert>
            ) : (
              <Told denial={found} />
            )
          }
        </Loaded>
      )}
    </Stack>
  )
}

function Told({ denial: { code, at, route, asked, businessId, explanation } }: { denial: Denial }) {
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Title order={2}>{text.refused(code)}</Title>
        <Facts
          facts={{
            [text.at]: <Moment at={at} />,
            [text.route]: <code>{route}</code>,
            [text.asked]: <Values values={asked} />,
            [text.business]: businessId !== null && <code>{businessId}</code>,
          }}
        />
      </Stack>
      <Stack gap="md">
        <Title order={2}>{text.steps}</Title>
        {explanation.steps.map((step) => (
          <StepCard key={step.name} step={step} />
        ))}
      </Stack>
    </Stack>
  )
}

function StepCard({ step: { name, passed, saw, remedy } }: { step: Step }) {
  const tone = passed === null ? 'neutral' : passed ? 'success' : 'danger'
  return (
    <Card withBorder component="section" aria-label={text.names[name]} data-failed={passed === false}>
      <Stack gap="xs">
        <Group gap="xs">
          <Text fw={600}>{text.names[name]}</Text>
          <Tag tone={tone}>{passed === null ? text.skipped : passed ? text.passed : text.failed}</Tag>
        </Group>
        {passed !== null && <Values values={saw} />}
        {remedy && (
          <Alert color="accent" title={text.mend}>
            <Stack gap={4} align="flex-start">
              <Text>{remedy.text}</Text>
              {(remedy.staff?.page ?? remedy.page) !== undefined && (
                <Anchor href={`${page.basePath}${remedy.staff?.page ?? remedy.page}`} underline="always">
                  {text.page}
                </Anchor>
              )}
              {(remedy.staff?.call ?? remedy.call) !== undefined && <code>{remedy.staff?.call ?? remedy.call}</code>}
            </Stack>
          </Alert>
        )}
      </Stack>
    </Card>
  )
}

function Values({ values }: { values: Record<string, unknown> }) {
  const lines = Object.entries(values).filter(([, value]) => value !== undefined)
  if (lines.length === 0) return <Text c="dimmed">{text.nothing}</Text>
  return (
    <List size="sm" spacing={2} listStyleType="none" style={{ overflowWrap: 'anywhere' }}>
      {lines.map(([name, value]) => (
        <List.Item key={name}>
          {text.value(name)}: {valueText(value)}
        </List.Item>
      ))}
    </List>
  )
}
