import { Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text as plan } from '../../text/plan.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { toast } from '../../ui/toast.ts'
import { utcDay } from '../../ui/words.ts'
import { useMembership } from '../membership.tsx'
import { useRefresh, type Subscription } from './data.ts'

const { cancelDialog: text } = plan
type When = 'cycleEnd' | 'now'

/** At the end of the cycle, which can be undone; or now, which cannot, so that it has to be typed. */
export function CancelPlan({ subscription, onClose }: { subscription: Subscription; onClose: () => void }) {
  const { businessId } = useMembership()
  const refresh = useRefresh(businessId)
  // What is paused has no end of a cycle to wait for.
  const isPaused = subscription.status === 'paused'
  const [when, setWhen] = useState<When>(isPaused ? 'now' : 'cycleEnd')
  const { name } = subscription.plan
  const end = utcDay(new Date(subscription.cycleEnd))
  const cancel = async () => {
    const params = { path: { businessId } }
    await answer(api.POST('/v1/businesses/{businessId}/subscription/cancellation', { params, body: { when } }))
    await refresh()
    toast(when === 'now' ? text.done(name) : text.scheduled(name, end))
  }
  return (
    <Confirm
      title={text.title(name)}
      action={text.submit}
      danger
      {...(when === 'now' ? { word: name } : {})}
      onConfirm={cancel}
      onClose={onClose}
    >
      <Stack gap="md">
        {isPaused ? (
          <Text>{text.nowAbout}</Text>
        ) : (
          <Radio.Group label={text.when} value={when} onChange={setWhen}>
            <Stack gap="xs" mt={4}>
              <Radio value="cycleEnd" label={text.cycleEnd} description={text.cycleEndAbout(end)} />
              <Radio value="now" label={text.now} description={text.nowAbout} />
            </Stack>
          </Radio.Group>
        )}
        <Text c="dimmed">{text.kept}</Text>
      </Stack>
    </Confirm>
  )
}
