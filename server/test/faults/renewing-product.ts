import { days, defineProduct, months, usd } from '../../src/product.ts'

const includes = { recordings: 100 }

/** Boundaries of every kind: plain ones, ones that bring an invoice, and ones that bring more. */
export default defineProduct({
  name: 'Renewing',
  keys: { sdk: { prefix: 'pk', permissions: [] } },
  features: { recordings: { kind: 'metered', unit: 'recording' } },
  plans: {
    basic: { name: 'Basic', cycle: days(30), price: usd(0), includes },
    growth: { name: 'Growth', cycle: months(1), price: usd(4900), includes },
    promo: { name: 'Promo', cycle: days(15), price: usd(100), onEnd: { fallback: 'basic' }, includes },
  },
  signup: { plan: 'basic', keys: ['sdk'] },
})
