import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Refusal, type Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { page } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { When } from '../../ui/time.tsx'
import { label } from '../../ui/words.ts'
import { BusinessLink } from '../list/business-link.tsx'
import { mailQuery } from '../lists.ts'
import { NotFound } from '../not-found.tsx'
import { MailStatus } from './columns.tsx'
import classes from './mail.module.css'

const { mails: text } = lists
const route = getRouteApi('/mail/$mailId')

/** One mail as it reads; its links let nobody in. */
export function MailPage() {
  const { mailId } = route.useParams()
  const mail = useQuery(mailQuery(mailId))
  if (mail.error instanceof Refusal && mail.error.status === 404) return <NotFound />
  return (
    <Loaded query={mail}>
      {(known) => (
        <Screen key={known.id} title={known.subject} about={<MailStatus of={known} />}>
          <MailFacts mail={known} />
          <Stack gap="xs">
            <Title order={2} size="h3">
              {text.text}
            </Title>
            <Text c="dimmed">{known.text === null ? text.gone : text.masked}</Text>
            {known.text !== null && <pre className={classes.text}>{known.text}</pre>}
          </Stack>
          {known.text !== null && (
            <Stack gap="xs">
              <Title order={2} size="h3">
                {text.look}
              </Title>
              {/* It may run nothing, and what it may load its own policy says. */}
              <iframe
                className={classes.look}
                title={text.look}
                sandbox="allow-popups"
                src={`${page.apiPath}/v1/staff/mails/${known.id}/html`}
              />
            </Stack>
          )}
        </Screen>
      )}
    </Loaded>
  )
}

function MailFacts({ mail }: { mail: Schemas['StaffMailPreview'] }) {
  const { to, template, business, attempts, error, createdAt, sentAt, failedAt } = mail
  return (
    <Facts
      facts={{
        [text.to]: to,
        [text.template]: label(template),
        [lists.business]: business && <BusinessLink of={business} />,
        [text.created]: <When at={createdAt} />,
        [text.sent]: sentAt && <When at={sentAt} />,
        [text.attempts]: attempts > 0 && attempts,
        [text.failed]: sentAt === null && failedAt && <When at={failedAt} />,
        [text.error]: error,
      }}
    />
  )
}
