/** Minor units as people read them: 490000 USD is $4,900.00, 500 JPY is ¥500. */
export const formatMoney = (amount: number, currency: string): string =>
  formatOf(currency).format(decimalOf(amount, currency))

/** Minor units as a plain number: 490000 USD is 4900.00. Digit by digit, because a division would round large amounts. */
export function decimalOf(amount: number, currency: string): `${number}` {
  const fraction = formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2
  const digits = String(Math.abs(amount)).padStart(fraction + 1, '0')
  const whole = digits.slice(0, digits.length - fraction)
  const decimal = `${whole}${fraction === 0 ? '' : `.${digits.slice(-fraction)}`}`
  return `${amount < 0 ? '-' : ''}${decimal}` as `${number}`
}

const formatOf = (currency: string) => new Intl.NumberFormat('en-US', { style: 'currency', currency })
