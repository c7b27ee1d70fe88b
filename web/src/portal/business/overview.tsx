import { Screen } from '../../ui/screen.tsx'

export function Overview() {
  return <Screen title="Overview">{null}</Screen>
}
