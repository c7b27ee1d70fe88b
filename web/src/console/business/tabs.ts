/** What there is to see of a business, in the order of the tabs. */
export const tabs = ['overview', 'usage', 'people', 'keys', 'subscription', 'timeline', 'support'] as const
export type Tab = (typeof tabs)[number]

export const timelineKinds = ['audit', 'event', 'mail', 'invoice', 'payment', 'credit', 'job'] as const
