import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../api.ts'
import { text } from '../text/time-travel.ts'
import { Dialog } from './dialog.tsx'
import { FormError } from './form.tsx'
import { now, page } from './page.ts'
import { Table, type Column } from './table.tsx'
import { When } from './time.tsx'
import { utcMoment } from './words.ts'

const daySeconds = 86_400
const choices = { day: daySeconds, week: 7 * daySeconds, month: 30 * daySeconds } as const
const names = ['day', 'week', 'month'] as const

/** In development only: what a cycle's end brings can be seen without waiting for it. */
export default function TimeTravel({ renewal }: { renewal?: string | undefined }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button variant="default" size="xs" onClick={() => setOpen(true)}>
        {text.open}
      </Button>
      {isOpen && <Travel renewal={renewal} onClose={() => setOpen(false)} />}
    </>
  )
}

function Travel({ renewal, onClose }: { renewal: string | undefined; onClose: () => void }) {
  const { mutate, isPending, error } = useMutation({
    mutationFn: (advanceSeconds: number) => answer(api.POST('/v1/dev/clock', { body: { advanceSeconds } })),
    // Everything on the page is of another time now, also what it was written with.
    onSuccess: () => location.reload(),
  })
  const untilRenewal = renewal === undefined ? 0 : Math.ceil((Date.parse(renewal) - now().getTime()) / 1000)
  return (
    <Dialog title={text.title} onClose={onClose} size="lg">
      <Stack>
        <Text>{text.about}</Text>
        <Text>
          {text.now} {utcMoment(now())}.
        </Text>
        <FormError error={error ?? undefined} />
        <Group gap="xs">
          {names.map((name) => (
            <Button key={name} variant="default" loading={isPending} onClick={() => mutate(choices[name])}>
              {text.choices[name]}
            </Button>
          ))}
          {untilRenewal > 0 && (
            <Button loading={isPending} onClick={() => mutate(untilRenewal)}>
              {text.toRenewal}
            </Button>
          )}
        </Group>
        <Effects />
        <Anchor href={`${page.apiPath}/dev/mailbox`} underline="always">
          {text.mails}
        </Anchor>
      </Stack>
    </Dialog>
  )
}

const effects = () => answer(api.GET('/v1/dev/clock/effects'))
type Effect = Awaited<ReturnType<typeof effects>>['items'][number]

/** What the last move has brought about, as it comes: a worker does it. */
function Effects() {
  const { data } = useQuery({ queryKey: ['clock', 'effects'], queryFn: effects, refetchInterval: 2000 })
  if (data === undefined || data.from === null) return null
  return (
    <Stack gap="xs" component="section" aria-labelledby="effects">
      <Title order={3} id="effects">
        {text.since(utcMoment(new Date(data.from)))}
      </Title>
      {data.items.length === 0 ? (
        <Text c="dimmed">{text.nothing}</Text>
      ) : (
        <Table label={text.what} columns={columns} rows={data.items} rowKey={({ id }) => id} />
      )}
    </Stack>
  )
}

const columns: Column<Effect>[] = [
  { label: text.at, cell: ({ at }) => <When at={at} />, short: true },
  {
    label: text.what,
    cell: ({ kind, id, name, to }) =>
      kind === 'event' ? (
        text.event(name)
      ) : (
        <Anchor href={`${page.apiPath}/dev/mailbox/${id}`} underline="always">
          {text.mail(to ?? '', name)}
        </Anchor>
      ),
  },
  { label: text.where, cell: ({ business }) => business?.name },
]
