import { createElement, type ReactNode } from 'react'
import classes from './sums.module.css'

export type Sum = { label: ReactNode; value: ReactNode; strong?: boolean }

/** Amounts below each other, and what they come to. */
export const Sums = ({ rows }: { rows: Sum[] }) => createElement('dl', { className: classes.sums }, ...rows.map(line))

const line = ({ label, value, strong = false }: Sum) => (
  <div data-strong={strong}>
    <dt>{label}</dt>
    <dd>{value}</dd>
  </div>
)
