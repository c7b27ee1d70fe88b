import { Button, Card, Group, Radio, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text } from '../../text/support.ts'
import { FormError } from '../../ui/form.tsx'
import { toast } from '../../ui/toast.ts'
import { useMembership } from '../membership.tsx'
import { decidePolicy, supportQuery, type Policy } from './data.ts'

const policies = ['always', 'ask', 'never'] as const

/** Who may look in: whoever manages it decides, everybody else sees what was decided. */
export function PolicyForm({ policy }: { policy: Policy }) {
  const { businessId, can, bar } = useMembership()
  const queryClient = useQueryClient()
  const [wanted, setWanted] = useState<Policy>(policy)
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => decidePolicy(businessId, wanted),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: supportQuery(businessId).queryKey })
      toast(text.policy.saved)
    },
  })
  const mayDecide = can('support:manage') && bar === undefined
  return (
    <Card withBorder>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isPending) mutate()
        }}
      >
        <Stack>
          <Radio.Group label={text.policy.title} value={wanted} onChange={setWanted}>
            <Stack gap="xs" mt={4}>
              {policies.map((each) => (
                <Radio
                  key={each}
                  value={each}
                  label={text.policy.choices[each].label}
                  description={text.policy.choices[each].about}
                  disabled={!mayDecide}
                />
              ))}
            </Stack>
          </Radio.Group>
          {wanted === 'never' && policy !== 'never' && <Text c="dimmed">{text.policy.ends}</Text>}
          <FormError error={error ?? undefined} />
          {mayDecide ? (
            <Group>
              <Button type="submit" loading={isPending} disabled={wanted === policy}>
                {text.policy.save}
              </Button>
            </Group>
          ) : (
            <Text c="dimmed">{bar ?? text.policy.readOnly}</Text>
          )}
        </Stack>
      </form>
    </Card>
  )
}
