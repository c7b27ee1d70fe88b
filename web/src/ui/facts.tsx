import type { ReactNode } from 'react'
import classes from './facts.module.css'

/** What is known about something: a name and a value a line. What is nothing is left out. */
export function Facts({ facts }: { facts: Record<string, ReactNode> }) {
  return (
    <dl className={classes.facts}>
      {Object.entries(facts)
        .filter(([, value]) => value !== null && value !== undefined && value !== false)
        .map(([label, value]) => (
          <div key={label} className={classes.fact} data-long={isLong(value) || undefined}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** An address or an ID, which stands below its name rather than be taken apart. */
const isLong = (value: ReactNode) => typeof value === 'string' && /\S{18}/.test(value)
