import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Made once and kept beside the development database, so that sessions survive a restart. */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret')
  if (!existsSync(path)) {
    // Linked into place when it is whole: of two first commands, one must not read what the other has begun to write.
    const made = `${path}.${process.pid}`
    await mkdir(dataDir, { recursive: true })
    await writeFile(made, randomBytes(32).toString('base64url'), { mode: 0o600 })
    await link(made, path).catch(() => {})
    await rm(made)
  }
  return readFile(path, 'utf8')
}
