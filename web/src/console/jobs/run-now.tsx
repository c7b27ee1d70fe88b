import { answer, api } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'

const { jobs: text } = lists

/** Sends a scheduled task now, as its schedule would. */
export function RunNow({ task, onClose }: { task: string; onClose: () => void }) {
  return (
    <ActionDialog
      title={text.runTitle(task)}
      submit={text.run}
      initial={{}}
      changes={() => [{ label: text.what, after: text.sent }]}
      send={(body, headers) =>
        answer(api.POST('/v1/staff/tasks/{task}/runs', { params: { path: { task } }, body, headers }))
      }
      said={() => text.sentNow(task)}
      onClose={onClose}
    />
  )
}
