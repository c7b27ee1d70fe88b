import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, Ref } from 'react'

type Html = { ref?: Ref<HTMLAnchorElement> } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps>

/** Links to other screens, whose addresses are checked by the compiler. */
export const TextLink = createLink((props: AnchorProps & Html) => <Anchor underline="always" {...props} />)

type ButtonHtml = { ref?: Ref<HTMLAnchorElement> } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>

export const ButtonLink = createLink((props: ButtonProps & ButtonHtml) => <Button component="a" {...props} />)
