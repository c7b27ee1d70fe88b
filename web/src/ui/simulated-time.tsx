import { text } from '../text/time-travel.ts'
import { isClockMoved, now, page } from './page.ts'
import classes from './simulated-time.module.css'
import { utcMoment } from './words.ts'

/** Above every screen while the clock of a development server has been moved: nothing here happens at this time. */
export function SimulatedTime() {
  if (!page.development || !isClockMoved) return null
  return <div className={classes.simulated}>{text.simulated(utcMoment(now()))}</div>
}
