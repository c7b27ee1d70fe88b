/** What there is to see of a business, in the order of the tabs. */
export const tabs = ['overview'] as const
export type Tab = (typeof tabs)[number]
