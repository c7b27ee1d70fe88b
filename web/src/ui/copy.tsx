import { Button, Group, Text, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import { text } from '../text/shared.ts'
import { announce } from './announcer.tsx'
import classes from './copy.module.css'

type Outcome = 'copied' | 'failed' | undefined

function useCopy(value: string) {
  const [outcome, setOutcome] = useState<Outcome>()
  const copy = async () => {
    // Not there on a page without TLS, and not allowed everywhere.
    const isCopied = await Promise.resolve(navigator.clipboard?.writeText(value)).then(
      () => navigator.clipboard !== undefined,
      () => false,
    )
    setOutcome(isCopied ? 'copied' : 'failed')
    announce(isCopied ? text.copied : text.copyFailed)
  }
  return { outcome, copy }
}

/** Something to take along, such as a key: readable, selectable and copied with one press. */
export function CopyField({ label, value }: { label: string; value: string }) {
  const input = useRef<HTMLInputElement>(null)
  const { outcome, copy } = useCopy(value)
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <TextInput
        ref={input}
        label={label}
        value={value}
        readOnly
        flex={1}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        onFocus={() => input.current?.select()}
        description={outcome === 'failed' ? text.copyFailed : undefined}
      />
      <Button variant="default" onClick={() => void copy()}>
        {outcome === 'copied' ? text.copied : text.copy}
      </Button>
    </Group>
  )
}

/** Lines of a program to copy. */
export function Snippet({ label, code }: { label: string; code: string }) {
  const { outcome, copy } = useCopy(code)
  return (
    <div className={classes.snippet}>
      <div className={classes.bar}>
        <Button size="compact-xs" variant="default" onClick={() => void copy()}>
          {outcome === 'copied' ? text.copied : text.copy}
        </Button>
      </div>
      {/* It scrolls by itself, so it must be reachable by keyboard. */}
      <pre className={classes.code} tabIndex={0} aria-label={label} role="region">
        <code>{code}</code>
      </pre>
      {outcome === 'failed' && (
        <Text size="xs" p="xs">
          {text.copyFailed}
        </Text>
      )}
    </div>
  )
}
