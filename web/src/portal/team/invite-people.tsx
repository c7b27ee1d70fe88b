import { Button, Group, List, NativeSelect, Stack, Text, Textarea } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { answer, api, Refusal } from '../../api.ts'
import { text as shared } from '../../text/shared.ts'
import { text as team } from '../../text/team.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { Meter } from '../../ui/meter.tsx'
import { entitlementsQuery, invitationsQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { emailsIn } from './emails.ts'

const { invite: text } = team

type Result = { email: string; refused?: string; isFull?: boolean }

/** Invites several at once and says what came of each. Who could not be invited stays in the field, to be mended. */
export function InvitePeople({ onClose }: { onClose: () => void }) {
  const { businessId, grantable } = useMembership()
  const queryClient = useQueryClient()
  // Kept beside what was loaded: whoever looks at the plans meanwhile finds it again.
  const draftKey = [businessId, 'draft of invitations']
  const [draft, setText] = useState(() => queryClient.getQueryData<string>(draftKey) ?? '')
  const setDraft = (text: string) => {
    setText(text)
    queryClient.setQueryData(draftKey, text)
  }
  const seats = useQuery({ ...entitlementsQuery(businessId), select: ({ members }) => members })
  const [role, setRole] = useState('member')
  const [isBusy, setBusy] = useState(false)
  const [results, setResults] = useState<Result[]>([])
  const [problem, setProblem] = useState<string>()

  const invite = async (email: string): Promise<Result> => {
    const call = api.POST('/v1/businesses/{businessId}/invitations', {
      params: { path: { businessId } },
      body: { email, role },
    })
    return answer(call).then(
      () => ({ email }),
      (error: unknown) => ({ email, refused: reasonOf(error), isFull: isFull(error) }),
    )
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const emails = emailsIn(draft)
    if (emails.length === 0) return setProblem(text.none)
    setProblem(undefined)
    setBusy(true)
    // One after the other: where seats run out, those above in the list have them.
    const came: Result[] = []
    for (const email of emails) came.push(await invite(email))
    setResults(came)
    setDraft(
      came
        .filter(({ refused }) => refused !== undefined)
        .map(({ email }) => email)
        .join('\n'),
    )
    setBusy(false)
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: invitationsQuery(businessId).queryKey }),
      queryClient.invalidateQueries({ queryKey: entitlementsQuery(businessId).queryKey }),
    ])
  }

  return (
    <Dialog onClose={onClose} title={text.title}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          <Textarea
            label={text.emails}
            description={text.hint}
            error={problem}
            value={draft}
            rows={4}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setDraft(event.currentTarget.value)}
          />
          <NativeSelect
            label={team.role}
            value={role}
            data={grantable}
            onChange={(event) => setRole(event.currentTarget.value)}
          />
          {results.length > 0 && (
            <Stack gap="xs" role="status">
              <Text fw={600}>{text.results}</Text>
              <List size="sm" spacing={4}>
                {results.map(({ email, refused }) => (
                  <List.Item key={email}>
                    {email}:{' '}
                    <Text span c={refused === undefined ? 'var(--freehold-success)' : 'var(--mantine-color-error)'}>
                      {refused ?? text.sent}
                    </Text>
                  </List.Item>
                ))}
              </List>
              {results.some(({ refused }) => refused !== undefined) && <Text c="dimmed">{text.again}</Text>}
              {results.some((each) => each.isFull) && (
                <>
                  {seats.data && <Meter label={team.seats} standing={seats.data} />}
                  <SeePlans />
                </>
              )}
            </Stack>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {results.length > 0 ? text.done : shared.cancel}
            </Button>
            <Button type="submit" loading={isBusy}>
              {text.submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

const isFull = (error: unknown) => error instanceof Refusal && error.code === 'limit_reached'

function reasonOf(error: unknown): string {
  if (!(error instanceof Refusal)) return shared.unforeseen
  if (isFull(error)) return text.full
  if (error.code === 'already_invited') return text.already
  return shared.fieldError(error.errors[0]?.message ?? error.message)
}
