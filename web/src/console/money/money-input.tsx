import { NumberInput, type NumberInputProps } from '@mantine/core'

/** Money as people write it; `minorOf` is what the API takes. */
export function MoneyInput({ currency, ...props }: NumberInputProps & { currency: string }) {
  return <NumberInput min={0} decimalScale={digitsOf(currency)} fixedDecimalScale thousandSeparator {...props} />
}

export const minorOf = (amount: number | string, currency: string) =>
  Math.round(Number(amount) * 10 ** digitsOf(currency))

export const majorOf = (minor: number, currency: string) => minor / 10 ** digitsOf(currency)

function digitsOf(currency: string): number {
  // Somebody may still be typing it.
  if (!/^[A-Z]{3}$/.test(currency)) return 2
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
}
