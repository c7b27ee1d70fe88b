/**
 * Minor units as people read them: 490000 USD is $4,900.00, 500 JPY is ¥500. Digit by digit, because a division would
 * round large amounts.
 */
export function formatMoney(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  const fraction = format.resolvedOptions().maximumFractionDigits ?? 2
  const digits = String(Math.abs(amount)).padStart(fraction + 1, '0')
  const whole = digits.slice(0, digits.length - fraction)
  const decimal = `${whole}${fraction === 0 ? '' : `.${digits.slice(-fraction)}`}`
  return format.format(`${amount < 0 ? '-' : ''}${decimal}` as `${number}`)
}
