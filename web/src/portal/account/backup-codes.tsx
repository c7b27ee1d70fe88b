import { Button, Stack, Text } from '@mantine/core'
import { text as account } from '../../text/account.ts'
import { Snippet } from '../../ui/copy.tsx'

const { codes: text } = account.twoFactor

/** Shown once, and until one has said that they are saved. */
export const BackupCodes = ({ codes, onSaved }: { codes: string[]; onSaved: () => void }) => (
  <Stack>
    <Text>{text.about}</Text>
    <Snippet label={text.label} code={codes.join('\n')} />
    <Button onClick={onSaved}>{text.saved}</Button>
  </Stack>
)
