import { Anchor } from '@mantine/core'
import { createLink, useRouterState } from '@tanstack/react-router'
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
  const list = useRef<HTMLUListElement>(null)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  // Where they do not all fit, the one that one is at is seen.
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>('[aria-current="page"]')
    if (!list.current || !current) return
    const { offsetLeft, clientWidth } = list.current
    list.current.scrollLeft = current.offsetLeft - offsetLeft - (clientWidth - current.offsetWidth) / 2
  }, [path])
  return (
    <nav aria-label={label} className={className}>
      <ul className={classes.places} ref={list}>
        {Children.map(children, (link) => (
          <li>{link}</li>
        ))}
      </ul>
    </nav>
  )
}

type Html = { ref?: Ref<HTMLAnchorElement> } & AnchorHTMLAttributes<HTMLAnchorElement>

export const PlaceLink = createLink(({ children, ...props }: Html) => (
  <a {...props} className={classes.place}>
    {children}
  </a>
))
