import { Button, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { CopyField } from '../../ui/copy.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ActionDialog } from './action-dialog.tsx'

const { support: text } = actions
type Values = { minutes: string; access: 'read' | 'write' }
type Started = { token: string; status: string }

/** Starts a support session, or asks for one, and hands its token out: once, like a key. */
export function LookIn({ business, onClose }: { business: Schemas['StaffBusinessPage']; onClose: () => void }) {
  const { id: businessId, name, supportAccess } = business
  const [started, setStarted] = useState<Started>()
  if (started) return <Token started={started} onClose={onClose} />
  const asks = supportAccess === 'ask'
  return (
    <ActionDialog<Values>
      businessId={businessId}
      title={text.title(name)}
      submit={asks ? text.submit.ask : text.submit.start}
      initial={{ minutes: '30', access: 'read' }}
      fields={(form) => (
        <>
          <NativeSelect
            label={text.minutes}
            data={['15', '30', '60']}
            data-autofocus
            {...form.getInputProps('minutes')}
          />
          <NativeSelect
            label={text.access}
            data={Object.entries(text.accesses).map(([value, label]) => ({ value, label }))}
            {...form.getInputProps('access')}
          />
        </>
      )}
      changes={() => [{ label: text.sees, after: asks ? text.asked : text.told }]}
      send={async ({ minutes, access, reason }, headers) =>
        setStarted(
          await answer(
            api.POST('/v1/staff/support-sessions', {
              body: { businessId, minutes: Number(minutes), access, reason },
              headers,
            }),
          ),
        )
      }
      said={() => text.done}
      stays
      onClose={onClose}
    />
  )
}

function Token({ started: { token, status }, onClose }: { started: Started; onClose: () => void }) {
  return (
    <Dialog title={text.token.title}>
      <Stack>
        <Text>{status === 'active' ? text.token.about : text.token.waits}</Text>
        <CopyField label={text.token.label} value={token} />
        <Button onClick={onClose}>{text.token.saved}</Button>
      </Stack>
    </Dialog>
  )
}
