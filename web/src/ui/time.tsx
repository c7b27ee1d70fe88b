import { now } from './page.ts'
import { relative, utcDay, utcMoment } from './words.ts'

/** When something happens or happened: from where one stands, and in full for whoever points at it. */
export function When({ at }: { at: string }) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={utcMoment(date)}>
      {relative(date, now())}
    </time>
  )
}

/** A day of a cycle, which begins and ends in UTC. */
export function Day({ at }: { at: string }) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={utcMoment(date)}>
      {utcDay(date)}
    </time>
  )
}

/** A moment in full, where how long ago it was would mislead. */
export function Moment({ at }: { at: string }) {
  return <time dateTime={at}>{utcMoment(new Date(at))}</time>
}
