import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/**
 * Builds the portal and the console into the server's package, when what they are made of has changed since:
 * `node web/build.ts`. Before serving and before tests, so that neither shows an older page.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const output = join(root, 'server/dist/web')
const stamp = join(root, 'node_modules/.cache/freehold-web')
// The lock file stands for all that is installed.
const sources = [
  'web',
  'server/src/client',
  'server/src/pages/page-data.ts',
  'server/src/color.ts',
  'package-lock.json',
]

/** Whether it had to be built. */
export async function buildWeb(): Promise<boolean> {
  const digest = await digestOf(sources)
  const isCurrent = existsSync(join(output, 'index.html')) && (await readFile(stamp, 'utf8').catch(() => '')) === digest
  if (isCurrent) return false

  // Aside, because a server or another build may be at work on the old one; and where nobody would pack what is left.
  const fresh = `${stamp}.${process.pid}`
  await mkdir(dirname(stamp), { recursive: true })
  await mkdir(dirname(output), { recursive: true })
  // In a process of its own: NODE_ENV decides which React goes into the pages, and tests have theirs at `test`.
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn', '--outDir', fresh], {
    cwd: join(root, 'web'),
    env: { ...process.env, NODE_ENV: 'production' },
  })
  await compressAssets(join(fresh, 'assets'))
  const old = `${fresh}.old`
  await rename(output, old).catch(() => {})
  // Somebody else may have been faster, with the same.
  await rename(fresh, output).catch(() => rm(fresh, { recursive: true, force: true }))
  await rm(old, { recursive: true, force: true })
  await writeFile(stamp, digest)
  return true
}

async function digestOf(paths: string[]): Promise<string> {
  const files = (await Promise.all(paths.map(filesIn))).flat().toSorted()
  const contents = await Promise.all(files.map((file) => readFile(join(root, file))))
  const hash = createHash('sha256')
  for (const [index, content] of contents.entries()) hash.update(`${files[index]}\0${content.length}\0`).update(content)
  return hash.digest('hex')
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(() => undefined)
  if (!entries) return [path]
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((file) => !/^web\/(test|screenshots|node_modules)\/|\.test\.tsx?$/.test(file))
}

/** Once here, as small as it gets, rather than for every request. */
async function compressAssets(folder: string): Promise<void> {
  const [brotli, zip] = [promisify(brotliCompress), promisify(gzip)]
  const names = (await readdir(folder)).filter((name) => /\.(js|css|svg)$/.test(name))
  await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name)
      const content = await readFile(file)
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
      await writeFile(`${file}.br`, await brotli(content, { params }))
      await writeFile(`${file}.gz`, await zip(content, { level: 9 }))
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  if (await buildWeb()) console.log(`Built the web in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}
