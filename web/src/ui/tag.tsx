import classes from './tag.module.css'

/** A state in a word or two, beside what is in it. The word says it; the colour only helps. */
export function Tag({
  tone = 'neutral',
  children,
}: {
  tone?: 'neutral' | 'success' | 'warning' | 'danger'
  children: string
}) {
  return (
    <span className={classes.tag} data-tone={tone}>
      {children}
    </span>
  )
}
