import type { ReactNode } from 'react'
import classes from './sums.module.css'

export type Sum = { label: ReactNode; value: ReactNode; strong?: boolean }

/** Amounts below each other, and what they come to. */
export function Sums({ rows }: { rows: Sum[] }) {
  return (
    <dl className={classes.sums}>
      {rows.map(({ label, value, strong = false }, index) => (
        <div key={index} data-strong={strong}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
