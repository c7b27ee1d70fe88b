import { Button, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { text } from '../../text/api-keys.ts'
import { CopyField, Snippet } from '../../ui/copy.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { product } from '../../ui/page.ts'
import { firstCall } from './first-call.ts'

/**
 * Hands a new key out. Nothing but its button closes it: who misses the key cannot get it again. It lives in this
 * dialog's props alone, and is gone from the page with it.
 */
export function KeyDialog({ handedOut, onClose }: { handedOut: { key: string; type: string }; onClose: () => void }) {
  const [language, setLanguage] = useState('curl')
  const { key, type } = handedOut
  const { shown } = text
  const samples = firstCall(key)
  const isPublishable = product.keyTypes[type]?.publishable ?? false
  return (
    <Dialog title={shown.title} size="lg">
      <Stack>
        <Text>{isPublishable ? shown.publishable : shown.secret}</Text>
        <CopyField label={shown.key} value={key} />
        <NativeSelect
          label={shown.snippets}
          value={language}
          onChange={(event) => setLanguage(event.currentTarget.value)}
          data={samples.map((sample) => sample.language)}
        />
        {samples
          .filter((sample) => sample.language === language)
          .map(({ code }) => (
            <Snippet key={language} label={language} code={code} />
          ))}
        <Button onClick={onClose}>{shown.saved}</Button>
      </Stack>
    </Dialog>
  )
}
