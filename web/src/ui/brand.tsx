import { Group, Text } from '@mantine/core'
import { product } from './page.ts'

/** Whose pages these are. */
export function Brand() {
  const { logoUrl } = product.brand
  return (
    <Group gap="xs" wrap="nowrap">
      {logoUrl !== null && <img src={logoUrl} alt="" height={24} />}
      <Text fw={600} truncate>
        {product.name}
      </Text>
    </Group>
  )
}
