import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { execFile } from 'node:child_process'
import { chromium, type Browser } from 'playwright-core'

/**
 * A Chromium that needs no root and nothing of the machine: the one npm brought, with the libraries and a font beside it.
 * CHROMIUM_PATH names another, on machines it is not made for.
 */
const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin')

const folder = async () => {
  const { version } = JSON.parse(await readFile(join(packed, '../package.json'), 'utf8')) as { version: string }
  return join(cache, `freehold-chromium-${version}`)
}

export async function unpackChromium(): Promise<void> {
  const target = await folder()
  if (process.env['CHROMIUM_PATH'] !== undefined || existsSync(target)) return
  const aside = `${target}.${process.pid}`
  await mkdir(aside, { recursive: true })
  const unpack = async (name: string) => promisify(brotliDecompress)(await readFile(join(packed, name)))
  const untar = async (name: string) => {
    const archive = join(aside, name)
    await writeFile(archive, await unpack(`${name}.br`))
    await promisify(execFile)('tar', ['-xf', archive, '-C', aside])
    await rm(archive)
  }
  await Promise.all([
    unpack('chromium.br').then((binary) => writeFile(join(aside, 'chromium'), binary, { mode: 0o755 })),
    untar('al2023.tar'),
    untar('fonts.tar'),
  ])
  // The one in the archive names a folder that is not here.
  const fonts = `<?xml version="1.0"?><fontconfig><dir>${join(target, 'fonts')}</dir><cachedir>${join(target, 'font-cache')}</cachedir></fontconfig>`
  await writeFile(join(aside, 'fonts.conf'), fonts)
  await rename(aside, target).catch(() => rm(aside, { recursive: true, force: true }))
}

/** For tests, which look at a page for a second or two: making its scripts fast takes longer than they run. */
export const unoptimised = '--js-flags=--max-optimized-bytecode-size=0'

export async function launchChromium(...more: string[]): Promise<Browser> {
  const own = process.env['CHROMIUM_PATH']
  const at = await folder()
  return chromium.launch({
    executablePath: own ?? join(at, 'chromium'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--font-render-hinting=none',
      ...more,
    ],
    env: own === undefined ? { HOME: at, LD_LIBRARY_PATH: join(at, 'lib'), FONTCONFIG_PATH: at } : {},
  })
}
