import { days, usd } from '../../src/prices.ts'
import { defineProduct } from '../../src/product.ts'

const includes = { recordings: 100, minutes: 40 }
const soft = { limit: 100, overage: { price: usd(10) } }

/**
 * Boundaries of every kind: plain ones, ones that bring an invoice, with what was used beyond the limits and with what is
 * left over, and ones that bring more.
 */
export default defineProduct({
  name: 'Renewing',
  keys: { sdk: { prefix: 'pk', permissions: [] } },
  features: {
    recordings: { kind: 'metered', unit: 'recording' },
    minutes: { kind: 'metered', unit: 'minute', rollover: 15 },
  },
  plans: {
    basic: { name: 'Basic', cycle: days(30), price: usd(0), includes },
    growth: { name: 'Growth', cycle: days(30), price: usd(4900), includes: { ...includes, recordings: soft } },
    promo: { name: 'Promo', cycle: days(15), price: usd(100), onEnd: { fallback: 'basic' }, includes },
  },
  signup: { plan: 'basic', keys: ['sdk'] },
})
