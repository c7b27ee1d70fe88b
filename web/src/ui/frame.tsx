import { Anchor } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { Children, useEffect, useRef, type AnchorHTMLAttributes, type ReactNode, type Ref } from 'react'
import { text } from '../text/shared.ts'
import classes from './frame.module.css'

/** For the keyboard: past what is the same on every screen. */
export const SkipLink = () => (
  <Anchor href="#main" className={classes.skip ?? ''}>
    {text.skip}
  </Anchor>
)

/** Where one can go, a line of links; scrolls by itself where it is too long. */
export function Places({
  label,
  className,
  children,
}: {
  label: string
  className: string | undefined
  children: ReactNode[]
}) {
  return (
    <nav aria-label={label} className={className}>
      <ul className={classes.places}>
        {Children.map(children, (link) => (
          <li>{link}</li>
        ))}
      </ul>
    </nav>
  )
}

type Html = { ref?: Ref<HTMLAnchorElement> } & AnchorHTMLAttributes<HTMLAnchorElement>

/** Where they do not all fit, the one that one is at is brought in sight. */
function Place({ children, ...props }: Html) {
  const label = useRef<HTMLSpanElement>(null)
  const isCurrent = props['aria-current'] === 'page'
  useEffect(() => {
    const list = label.current?.closest('ul')
    if (!isCurrent || !label.current || !list) return
    list.scrollLeft = label.current.offsetLeft - list.offsetLeft - (list.clientWidth - label.current.offsetWidth) / 2
  }, [isCurrent])
  return (
    <a {...props} className={classes.place}>
      <span ref={label}>{children}</span>
    </a>
  )
}

export const PlaceLink = createLink(Place)
