import { buildWeb } from '../build.ts'
import { unpackChromium } from './chromium.ts'

/** Once for all tests: the pages as they are now, and a browser to look at them. */
export default async function setup(): Promise<void> {
  await Promise.all([buildWeb(), unpackChromium()])
}
