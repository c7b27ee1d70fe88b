export const text = {
  nav: 'API keys',
  title: 'API keys',
} as const
