import { Button, Group, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text as account } from '../../text/account.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { DialogForm } from '../../ui/dialog-form.tsx'
import { useServerForm } from '../../ui/form.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Tag } from '../../ui/tag.tsx'
import { toast } from '../../ui/toast.ts'
import { meQuery } from '../data.ts'
import { BackupCodes } from './backup-codes.tsx'
import { QrImage } from './qr-image.tsx'

const { twoFactor: text } = account

type Prepared = { uri: string; backupCodes: string[] }
/** `begin` asks for the password, `scan` for the first code, `codes` hands out what helps without the phone. */
type Step = { kind: 'begin' } | ({ kind: 'scan' | 'codes' } & Prepared) | { kind: 'remove' }

/** A second factor for signing in, on and off. What is secret lives in the step alone, and is gone with it. */
export function TwoFactorPanel({ isOn }: { isOn: boolean }) {
  const queryClient = useQueryClient()
  const [step, setStep] = useState<Step>()
  const close = () => setStep(undefined)
  const refresh = () => queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
  return (
    <Panel title={text.title} mark={<Tag tone={isOn ? 'success' : 'neutral'}>{isOn ? text.on : text.off}</Tag>}>
      <Text>{isOn ? text.aboutOn : text.aboutOff}</Text>
      <Group>
        <Button variant="default" onClick={() => setStep({ kind: isOn ? 'remove' : 'begin' })}>
          {isOn ? text.turnOff : text.turnOn}
        </Button>
      </Group>
      {step?.kind === 'begin' && (
        <Begin onDone={(prepared) => setStep({ kind: 'scan', ...prepared })} onClose={close} />
      )}
      {step?.kind === 'scan' && (
        <Scan
          uri={step.uri}
          onDone={async () => {
            setStep({ ...step, kind: 'codes' })
            await refresh()
          }}
          onClose={close}
        />
      )}
      {step?.kind === 'codes' && (
        <Dialog title={text.codes.title}>
          <BackupCodes codes={step.backupCodes} onSaved={close} />
        </Dialog>
      )}
      {step?.kind === 'remove' && (
        <Remove
          onDone={async () => {
            close()
            await refresh()
            toast(text.remove.done)
          }}
          onClose={close}
        />
      )}
    </Panel>
  )
}

function Begin({ onDone, onClose }: { onDone: (prepared: Prepared) => void; onClose: () => void }) {
  const { form, ...rest } = useServerForm({
    initial: { password: '' },
    send: (body) => answer(api.POST('/v1/me/two-factor', { body })),
    done: onDone,
  })
  return (
    <DialogForm title={text.begin.title} submit={text.begin.submit} form={rest} onClose={onClose}>
      <Text>{text.begin.about}</Text>
      <PasswordInput {...form.getInputProps('password')} />
    </DialogForm>
  )
}

function Scan({ uri, onDone, onClose }: { uri: string; onDone: () => Promise<void>; onClose: () => void }) {
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  const { form, ...rest } = useServerForm({
    initial: { code: '' },
    send: (body) => answer(api.POST('/v1/me/two-factor/confirm', { body })),
    done: onDone,
  })
  return (
    <DialogForm title={text.scan.title} submit={text.scan.submit} form={rest} onClose={onClose}>
      <Text>{text.scan.about}</Text>
      <QrImage label={text.scan.image} content={uri} />
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {text.scan.secret}: <code>{secret}</code>
      </Text>
      <TextInput
        label={text.scan.code}
        autoComplete="one-time-code"
        inputMode="numeric"
        spellCheck={false}
        {...form.getInputProps('code')}
      />
    </DialogForm>
  )
}

function Remove({ onDone, onClose }: { onDone: () => Promise<void>; onClose: () => void }) {
  const { form, ...rest } = useServerForm({
    initial: { password: '' },
    send: (body) => answer(api.POST('/v1/me/two-factor/removal', { body })),
    done: onDone,
  })
  return (
    <DialogForm title={text.remove.title} submit={text.remove.submit} danger form={rest} onClose={onClose}>
      <Text>{text.remove.about}</Text>
      <PasswordInput {...form.getInputProps('password')} />
    </DialogForm>
  )
}

const PasswordInput = (props: object) => (
  <TextInput label={account.password} type="password" autoComplete="current-password" {...props} />
)
