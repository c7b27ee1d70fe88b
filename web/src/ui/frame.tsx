import { Anchor } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { Children, type AnchorHTMLAttributes, type ReactNode, type Ref } from 'react'
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

export const PlaceLink = createLink(({ children, ...props }: Html) => (
  <a {...props} className={classes.place}>
    {children}
  </a>
))
