/** What a product wants to know besides, in its own words. */
export const text = {
  optional: (label: string) => `${label} (optional)`,
  choose: 'Choose',
} as const
