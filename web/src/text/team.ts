export const text = {
  nav: 'Team',
  title: 'Team',
} as const
