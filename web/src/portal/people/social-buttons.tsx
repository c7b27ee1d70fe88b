import { Button, Divider, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { text } from '../../text/people.ts'
import { FormError } from '../../ui/form.tsx'
import { page } from '../../ui/page.ts'
import { ProviderLogo } from './provider-logo.tsx'

type Bound = { next?: string | undefined; invitationToken?: string | undefined }

/** The other ways in, where there are any; `next` and the invitation come back with whoever goes. */
export function SocialButtons({ next, invitationToken }: Bound) {
  const { mutate, isPending, isSuccess, variables, error } = useMutation({
    mutationFn: (provider: string) =>
      answer(
        api.POST('/v1/login/social/{provider}', {
          params: { path: { provider } },
          body: {
            ...(next === undefined ? {} : { next }),
            ...(invitationToken === undefined ? {} : { invitationToken }),
          },
        }),
      ),
    onSuccess: ({ url }) => location.assign(url),
  })
  if (page.socialSignIn.length === 0) return null
  return (
    <Stack>
      <Divider label={text.social.or} />
      <FormError error={error ?? undefined} />
      {page.socialSignIn.map(({ id, name }) => (
        <Button
          key={id}
          variant="default"
          leftSection={<ProviderLogo provider={id} />}
          onClick={() => mutate(id)}
          loading={(isPending || isSuccess) && variables === id}
        >
          {text.social.continueWith(name)}
        </Button>
      ))}
    </Stack>
  )
}
