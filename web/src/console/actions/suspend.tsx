import { answer, api, type Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as console } from '../../text/console.ts'
import { ActionDialog } from './action-dialog.tsx'

/** Suspends a business that is active, and lifts that from one that is suspended. */
export function Suspend({ business, onClose }: { business: Schemas['StaffBusinessPage']; onClose: () => void }) {
  const { id, name, status } = business
  const isActive = status === 'active'
  const text = isActive ? actions.suspend : actions.reactivate
  const next = isActive ? 'suspended' : 'active'
  return (
    <ActionDialog
      businessId={id}
      title={text.title(name)}
      submit={text.submit}
      danger={isActive}
      initial={{}}
      changes={() => [
        { label: actions.suspend.status, before: console.status[status], after: console.status[next] },
        { label: actions.suspend.use, after: isActive ? actions.suspend.reads : actions.reactivate.works },
      ]}
      send={({ reason }) =>
        answer(api.PATCH('/v1/staff/businesses/{id}', { params: { path: { id } }, body: { status: next, reason } }))
      }
      said={() => text.done(name)}
      onClose={onClose}
    />
  )
}
