/** Colours as `#rrggbb`, by WCAG 2.2: contrast of text to what is behind it. */
type Rgb = [red: number, green: number, blue: number]

const parse = (color: string): Rgb =>
  [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16)) as Rgb
const format = (rgb: Rgb) => `#${rgb.map((channel) => Math.round(channel).toString(16).padStart(2, '0')).join('')}`

function luminance(color: string): number {
  const [red, green, blue] = parse(color).map((channel) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

export function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** `share` of the other colour in this one. */
export function mix(color: string, other: string, share: number): string {
  const target = parse(other)
  return format(parse(color).map((channel, index) => channel + ((target[index] ?? 0) - channel) * share) as Rgb)
}

/** The colour, moved towards black or white until text of it is readable (4.5 : 1) on each of these backgrounds. */
export function readableOn(backgrounds: string[], color: string): string {
  const [first = '#ffffff'] = backgrounds
  const end = luminance(first) > 0.18 ? '#000000' : '#ffffff'
  for (let share = 0; share < 1; share += 0.02) {
    const tried = mix(color, end, share)
    if (backgrounds.every((background) => contrast(tried, background) >= 4.5)) return tried
  }
  return end
}
