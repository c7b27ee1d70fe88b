import { page, product } from '../../ui/page.ts'
import { snippets } from './snippets.ts'

/** The first call a program makes: it counts one unit, or where nothing is counted asks whether it may. */
export function firstCall(key: string, feature = firstMetered()) {
  const path = feature === undefined ? 'check' : 'consume'
  return snippets(`${location.origin}${page.apiPath}/v1/${path}`, key, feature === undefined ? {} : { feature })
}

const firstMetered = () => Object.entries(product.features).find(([, { kind }]) => kind === 'metered')?.[0]
