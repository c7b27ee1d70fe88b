import { Noun } from '../ui/page.ts'
import { label } from '../ui/words.ts'

/** Why the gate refused something. */
export const text = {
  nav: 'Explain',
  title: 'Explain',
  why: (requestId: string) => `Explain ${requestId}`,
  about: 'Why a request was refused. Refusals of the last 24 hours are kept.',
  requestId: 'Request ID',
  requestIdHint: 'In the answer as requestId, and in its header x-request-id. It begins with req_.',
  submit: 'Explain',
  empty: 'Enter the ID of a request that was refused.',
  unknown: {
    title: 'Nothing is known of this request',
    about:
      'It was not refused, or more than 24 hours ago, or one of very many at once. Send the request again with explain: true, and it explains itself.',
  },
  refused: (code: string) => `Refused: ${code}`,
  at: 'When',
  route: 'Route',
  asked: 'Asked for',
  business: Noun,
  steps: 'What the gate looked at',
  passed: 'Passed',
  failed: 'Refused here',
  skipped: 'Not reached',
  saw: 'It saw',
  nothing: 'Nothing.',
  mend: 'How to mend it',
  page: 'Open the page',
  names: {
    credential: 'Credential',
    permission: 'Permission',
    business: Noun,
    subscription: 'Subscription',
    plan: 'Plan',
    feature: 'Feature',
    override: 'Agreed limit',
    grants: 'Granted units',
    counter: 'Counter',
  },
  value: label,
} as const
