/** By what businesses are found, as the API has it. */
export const statuses = ['trialing', 'active', 'past_due', 'paused', 'ended', 'ending', 'suspended', 'closed'] as const
export const sorts = ['newest', 'oldest', 'name', 'cycleEnd'] as const
