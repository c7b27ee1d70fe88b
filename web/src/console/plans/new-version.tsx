import { Alert, Button, Card, Group, NativeSelect, Stack, Text, Textarea } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, Refusal, type Schemas } from '../../api.ts'
import { text } from '../../text/console-versions.ts'
import { FormError, useServerForm } from '../../ui/form.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { toast } from '../../ui/toast.ts'
import { newKey } from '../actions/action-dialog.tsx'
import { planQuery, plansQuery } from '../data.ts'
import { NotFound } from '../not-found.tsx'
import { draftOf, namelessPrices, versionOf, type Draft } from './draft.ts'
import { IncludedFields, PriceFields, TermFields } from './draft-fields.tsx'
import { Impact } from './impact.tsx'
import { text as shared } from '../../text/shared.ts'

const route = getRouteApi('/plans/$planKey/new-version')

type Plan = Schemas['StaffPlanPage']
type Version = ReturnType<typeof versionOf>
type Compared = { version: Version; preview: Schemas['PlanPreview'] }
type Existing = keyof typeof text.publish.choices

/** A version is written, compared with the one that is sold, and published with a decision about who is on the plan. */
export function NewVersion() {
  const { planKey } = route.useParams()
  const plan = useQuery(planQuery(planKey))
  if (plan.error instanceof Refusal && plan.error.status === 404) return <NotFound />
  return (
    <Loaded query={plan}>
      {(known) => (
        <Screen key={known.version} title={text.title(known.name)} about={text.about(known.version)}>
          {known.archived && <Alert color="warning" title={text.archived} />}
          <Editor plan={known} />
        </Screen>
      )}
    </Loaded>
  )
}

function Editor({ plan }: { plan: Plan }) {
  const plans = useQuery(plansQuery)
  const [compared, setCompared] = useState<Compared>()
  const [current] = plan.versions
  const { form, busy, error, onSubmit } = useServerForm<Draft, Compared>({
    initial: draftOf(current as Schemas['PlanVersion']),
    send: async (draft) => {
      const errors = namelessPrices(draft).map((at) => ({ path: `body/${at}`, message: text.price.nameNeeded }))
      if (errors.length > 0) throw new Refusal(422, { errors })
      const version = versionOf(draft)
      return { version, preview: await previewOf(plan.key, version) }
    },
    done: setCompared,
  })
  // What was compared is what is published: after another change it has to be looked at again.
  const isCurrent = compared && JSON.stringify(versionOf(form.values)) === JSON.stringify(compared.version)
  const problems = error instanceof Refusal ? error.errors : []
  return (
    <Stack gap="xl">
      <form onSubmit={onSubmit} noValidate>
        <Stack gap="xl">
          <PriceFields form={form} />
          <TermFields
            form={form}
            plans={(plans.data ?? []).filter(({ key, archived }) => key !== plan.key && !archived)}
          />
          <IncludedFields form={form} />
          <FormError error={error} />
          {problems.length > 0 && (
            <ul>
              {problems.map(({ path, message }) => (
                <li key={path + message}>
                  {path.replace(/^body\//, '').replaceAll('/', ' ')}: {message}
                </li>
              ))}
            </ul>
          )}
          <Group gap="xs">
            <Button type="submit" variant={isCurrent ? 'default' : 'filled'} loading={busy}>
              {text.compare}
            </Button>
            <ButtonLink variant="default" to="/plans/$planKey" params={{ planKey: plan.key }}>
              {shared.cancel}
            </ButtonLink>
          </Group>
        </Stack>
      </form>
      {isCurrent &&
        (compared.preview.diff.length === 0 ? (
          <Text role="status">{text.same}</Text>
        ) : (
          <Card withBorder>
            <Stack gap="lg">
              <Impact preview={compared.preview} />
              <Publish plan={plan} compared={compared} />
            </Stack>
          </Card>
        ))}
    </Stack>
  )
}

const previewOf = async (key: string, version: Version) =>
  (await answer(
    api.POST('/v1/staff/plans/{key}/versions', {
      params: { path: { key } },
      body: { ...version, existing: 'keep', preview: true },
    }),
  )) as Schemas['PlanPreview']

function Publish({
  plan: { key, version: before },
  compared: { version, preview },
}: {
  plan: Plan
  compared: Compared
}) {
  const { publish } = text
  const queryClient = useQueryClient()
  const navigate = route.useNavigate()
  const [once] = useState(newKey)
  const number = before + 1
  const { form, busy, error, onSubmit } = useServerForm<{ existing: Existing; reason: string }, unknown>({
    initial: { existing: 'keep', reason: '' },
    send: ({ existing, reason }) =>
      answer(
        api.POST('/v1/staff/plans/{key}/versions', {
          params: { path: { key } },
          body: { ...version, existing, reason, preview: false },
          headers: { 'idempotency-key': once },
        }),
      ),
    done: async () => {
      toast(publish.done(number))
      await navigate({ to: '/plans/$planKey', params: { planKey: key } })
      await queryClient.invalidateQueries({ queryKey: ['plans'] })
    },
  })
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack maw={560}>
        {preview.affected > 0 && (
          <NativeSelect
            label={publish.existing}
            description={publish.meanings[form.values.existing]}
            data={Object.entries(publish.choices).map(([value, label]) => ({ value, label }))}
            {...form.getInputProps('existing')}
          />
        )}
        <Textarea
          label={publish.reason}
          description={publish.reasonHint}
          autosize
          minRows={2}
          {...form.getInputProps('reason')}
        />
        <FormError error={error} />
        <Group>
          <Button type="submit" loading={busy}>
            {publish.submit(number)}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
