import { encode } from 'uqr'

/** Drawn in the page: what is in it is a secret, and goes to nobody who draws pictures. Dark on light in every scheme. */
export function QrImage({ label, content }: { label: string; content: string }) {
  const { data, size } = encode(content, { border: 4 })
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])))
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      width={220}
      height={220}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={dark.join('')} fill="#000" />
    </svg>
  )
}
