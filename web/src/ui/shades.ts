import { mix } from '../../../server/src/color.ts'

/** Ten shades: what readable text on light ground needs at 6, on dark ground at 4; what is pointed at there is at 5. */
export function shadesOf(light: string, dark: string): Shades {
  const towardsWhite = [0.93, 0.85, 0.72, 0.55].map((share) => mix(light, '#ffffff', share))
  const towardsBlack = [0.14, 0.28, 0.42].map((share) => mix(light, '#000000', share))
  return [...towardsWhite, dark, mix(dark, '#ffffff', 0.15), light, ...towardsBlack] as unknown as Shades
}

type Shades = [string, string, string, string, string, string, string, string, string, string]
