import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/console-people.ts'
import { ActionDialog } from '../actions/action-dialog.tsx'

/** Nobody who is locked out gets in anywhere, until they are let in again. */
export function LockOut({ person, onClose }: { person: Schemas['FoundUser']; onClose: () => void }) {
  const { id, name, disabledAt } = person
  const disabled = disabledAt === null
  const words = disabled ? text.lockOut : text.letIn
  return (
    <ActionDialog
      title={words.title(name)}
      submit={words.action}
      danger={disabled}
      initial={{}}
      changes={() => [
        { label: text.getsIn, before: disabled ? text.yes : text.no, after: disabled ? text.no : text.yes },
        ...(disabled ? [{ label: text.sessions, after: text.end }] : []),
      ]}
      send={({ reason }) =>
        answer(api.PATCH('/v1/staff/users/{id}', { params: { path: { id } }, body: { disabled, reason } }))
      }
      said={() => words.done(name)}
      onClose={onClose}
    />
  )
}
