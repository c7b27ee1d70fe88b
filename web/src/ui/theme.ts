import {
  Alert,
  Anchor,
  Button,
  Card,
  createTheme,
  InputWrapper,
  Notification,
  PasswordInput,
  Text,
  type CSSVariablesResolver,
  type MantineThemeOverride,
} from '@mantine/core'
import { text } from '../text/shared.ts'
import { readableOn } from '../../../server/src/color.ts'
import { shadesOf } from './shades.ts'
import classes from './theme.module.css'

const ground = { light: '#ffffff', lightRaised: '#f8fafc', dark: '#0f141b', darkRaised: '#1a212c' }

/** The one colour that stands out, on light ground and on dark. */
export type Accent = { light: string; dark: string }

const rem = (pixels: number) => `${pixels / 16}rem`

/**
 * How everything looks: quiet, borders rather than shadows, a 4 px grid. The library's own colours are too pale on
 * white for AA, so every colour that text takes is set here.
 */
export function themeOf({ light: onLight, dark: onDark }: Accent): MantineThemeOverride {
  const light = readableOn([ground.light, ground.lightRaised], onLight)
  const dark = readableOn([ground.dark, ground.darkRaised], onDark)
  return createTheme({
    colors: {
      accent: shadesOf(light, dark),
      danger: shadesOf('#b42318', '#f97066'),
      warning: shadesOf('#b54708', '#fdb022'),
      success: shadesOf('#067647', '#47cd89'),
      gray: [
        '#f8fafc',
        '#f1f5f9',
        '#e2e8f0',
        '#cbd5e1',
        '#8291a7',
        '#64748b',
        '#475569',
        '#334155',
        '#1e293b',
        '#0f172a',
      ],
      dark: [
        '#e6eaf0',
        '#c9d1dc',
        '#94a3b8',
        '#758399',
        '#5b6a80',
        '#273244',
        '#1a212c',
        '#0f141b',
        '#0b0f15',
        '#070a0e',
      ],
    },
    primaryColor: 'accent',
    primaryShade: { light: 6, dark: 4 },
    fontFamily: "'Inter Variable', system-ui, sans-serif",
    fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
    fontSizes: { xs: rem(13), sm: rem(14), md: rem(16), lg: rem(20), xl: rem(28) },
    lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.4', xl: '1.3' },
    headings: {
      fontWeight: '600',
      sizes: {
        h1: { fontSize: rem(28), lineHeight: '1.3' },
        h2: { fontSize: rem(20), lineHeight: '1.4' },
        h3: { fontSize: rem(16), lineHeight: '1.5' },
      },
    },
    spacing: { xs: rem(8), sm: rem(12), md: rem(16), lg: rem(24), xl: rem(32) },
    radius: { xs: rem(4), sm: rem(8), md: rem(8), lg: rem(8), xl: rem(16) },
    defaultRadius: 'sm',
    respectReducedMotion: true,
    cursorType: 'pointer',
    components: {
      Anchor: Anchor.extend({ defaultProps: { size: 'sm' } }),
      Alert: Alert.extend({ defaultProps: { variant: 'outline' } }),
      Button: Button.extend({
        classNames: { root: classes.button ?? '' },
        // What is readable on its ground carries text in the colour of that ground; the library takes white in the dark.
        vars: (_theme, { variant = 'filled' }) => ({
          root: variant === 'filled' ? { '--button-color': 'var(--freehold-on-color)' } : {},
        }),
      }),
      // Round, they would be taken for choices of one. Named, not imported: few screens have one.
      Checkbox: { defaultProps: { radius: 'xs' } },
      Card: Card.extend({ classNames: { root: classes.card ?? '' } }),
      InputWrapper: InputWrapper.extend({
        classNames: { label: classes.label ?? '', description: classes.hint ?? '', error: classes.hint ?? '' },
      }),
      PasswordInput: PasswordInput.extend({
        defaultProps: { visibilityToggleButtonProps: { 'aria-label': text.showPassword, tabIndex: 0 } },
      }),
      Text: Text.extend({ defaultProps: { size: 'sm' } }),
      Notification: Notification.extend({
        defaultProps: { withBorder: true },
        classNames: { root: classes.toast ?? '' },
      }),
    },
  })
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': ground.light,
    '--mantine-color-text': '#0f172a',
    '--mantine-color-dimmed': '#475569',
    '--mantine-color-placeholder': '#64748b',
    '--mantine-color-error': '#b42318',
    '--freehold-border': '#e2e8f0',
    '--freehold-raised': ground.lightRaised,
    '--freehold-warning': '#b54708',
    '--freehold-success': '#067647',
    '--freehold-track': '#e2e8f0',
    '--freehold-fill': '#475569',
    '--freehold-on-color': '#ffffff',
  },
  dark: {
    '--mantine-color-body': ground.dark,
    '--mantine-color-text': '#e6eaf0',
    '--mantine-color-dimmed': '#94a3b8',
    '--mantine-color-placeholder': '#94a3b8',
    '--mantine-color-error': '#f97066',
    '--freehold-border': '#273244',
    '--freehold-raised': ground.darkRaised,
    '--freehold-warning': '#fdb022',
    '--freehold-success': '#47cd89',
    '--freehold-track': '#273244',
    '--freehold-fill': '#94a3b8',
    '--freehold-on-color': '#0f141b',
    // The library's are nearly white there, whatever they warn of.
    '--mantine-color-accent-outline': 'var(--mantine-color-accent-4)',
    '--mantine-color-danger-outline': 'var(--mantine-color-danger-4)',
    '--mantine-color-warning-outline': 'var(--mantine-color-warning-4)',
    '--mantine-color-success-outline': 'var(--mantine-color-success-4)',
  },
})
