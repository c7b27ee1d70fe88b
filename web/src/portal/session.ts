import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { page } from '../ui/page.ts'

/** Whether somebody is signed in, as far as this page knows: the server said so when it made it, and what happened since. */
export const session = { signedIn: page.signedIn }

export function useSession() {
  const queryClient = useQueryClient()
  return {
    begin: () => begin(queryClient),
  }
}

/** What was asked for as somebody else is no answer for this one. */
function begin(queryClient: QueryClient) {
  queryClient.clear()
  session.signedIn = true
}
