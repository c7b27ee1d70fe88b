import { days, defineProduct, fromKysely, months, usd } from 'freehold'
import { businessesWithRecordings, deleteRecordingsBefore } from './recordings.ts'

/** The product of the article Freehold re-imagines: recordings of mobile app sessions. */
export default defineProduct({
  name: 'Session Recorder',
  howToPay: 'Transfer to First Bank of Example\nIBAN GB33 BUKB 2020 1555 5555 55\nTo Session Recorder Ltd',
  permissions: { 'recordings:read': 'read', 'recordings:create': 'write', 'applications:manage': 'write' },
  roles: { member: ['recordings:read'], viewer: ['recordings:read'] },
  keys: {
    // Shipped inside customers' apps: it can record and nothing else.
    sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'], rateLimit: { perMinute: 600 } },
    server: { prefix: 'sk', permissions: ['recordings:read', 'recordings:create'] },
  },
  features: {
    recordings: { kind: 'metered', unit: 'recording', resets: 'cycle' },
    applications: { kind: 'allocated', unit: 'application' },
    exports: { kind: 'switch' },
    retentionDays: { kind: 'value' },
  },
  plans: {
    free: {
      name: 'Free',
      cycle: days(15),
      price: usd(0),
      includes: { recordings: 100, applications: 1, members: 3, exports: false, retentionDays: 7 },
    },
    growth: {
      name: 'Growth',
      prices: { monthly: usd(49_00), yearly: usd(490_00) },
      trial: days(14),
      includes: { recordings: 10_000, applications: 10, members: 10, exports: true, retentionDays: 90 },
    },
    unlimited: {
      name: 'Unlimited',
      cycle: months(1),
      price: usd(0),
      hidden: true,
      includes: { recordings: null, applications: null, members: null, exports: true, retentionDays: 365 },
    },
  },
  signup: { plan: 'free', keys: ['sdk'], mode: 'open', verifyEmail: 'after' },
  tasks: {
    // Each business keeps its recordings for as long as its plan says.
    'delete-old-recordings': {
      schedule: '30 3 * * *',
      run: async ({ transaction, entitlements, now, log }) => {
        for (const businessId of await transaction((tx) => businessesWithRecordings(fromKysely(tx)))) {
          const owned = await entitlements(businessId)
          if (!owned) continue
          const before = new Date(now().getTime() - owned.retentionDays.value * 86_400_000)
          const deleted = await transaction((tx) => deleteRecordingsBefore(fromKysely(tx), businessId, before))
          log.info({ businessId, deleted }, 'old recordings are gone')
        }
      },
    },
  },
})
