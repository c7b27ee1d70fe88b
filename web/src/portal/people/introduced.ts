import type { PendingIdentity } from '../session.ts'

/** What is sent of somebody whom a provider has introduced: the e-mail is the provider's to say. */
export const asIntroduced = (
  { token }: PendingIdentity,
  { firstName, lastName }: { firstName: string; lastName: string },
) => ({
  pendingToken: token,
  firstName,
  // Some have none, and their provider says so.
  ...(lastName === '' ? {} : { lastName }),
})
