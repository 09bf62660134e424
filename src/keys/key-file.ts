import { open, readFile, realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { types } from '#runtime'
import { KEY_BYTES } from '../crypto/library.ts'
import { fail, kindOf, type SealedSessionError } from '../errors.ts'
import { readKey } from './key.ts'
import { hrefOf, mayHoldKey } from './key-text.ts'

/** A file of keys as it was read. */
export interface KeyFile {
  path: string
  content: Buffer
  /** Milliseconds since 1970 at which it was last written, or put in its place. */
  writtenAt: number
  /** Permissions of owner, group and others; Windows says 0666 of any file. */
  mode: number
  /** True in a volume of a secret that Kubernetes has mounted. */
  isMounted: boolean
}

/**
 * Reads the file of a path that the app has given.
 * @throws `FST_SEALED_SESSION_KEY_FILE` if it cannot be read; the error of the file system is its cause.
 * `FST_SEALED_SESSION_OPTION_INVALID` for what is no path.
 */
export async function readKeyFile (given: string | URL | undefined): Promise<KeyFile> {
  const path = asPath(given)
  try {
    return await readWithTimes(path)
  } catch (cause) {
    throw unreadable(path, String(given), cause as NodeJS.ErrnoException)
  }
}

/** Absolute path, so that a later change of the current directory does not lead elsewhere. */
function asPath (path: unknown): string {
  const href = hrefOf(path)
  if (href !== null) return pathOfUrl(href)
  if (typeof path === 'string' && path !== '') return resolve(path)
  throw fail('OPTION_INVALID', ['path', 'the path of a key file', path === '' ? 'an empty string' : kindOf(path)], { detail: 'If it comes from the environment, check that the variable is set.' })
}

function pathOfUrl (url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw fail('OPTION_INVALID', ['path', 'the path of a key file', 'a URL of no file'])
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'It is not there: correct the path (a relative path counts from the current directory), or create the file with "npx fastify-sealed-session keygen --hex --out FILE".',
  EACCES: 'This process may not read it: correct its mode and owner, or those of its folder.',
  EISDIR: 'It is a folder: give the path of a file in it.'
}

function unreadable (path: string, given: string, cause: NodeJS.ErrnoException): SealedSessionError {
  const { code = cause.name } = cause
  // Neither the path nor the cause, whose message has it, may show a text that may be a key.
  if (mayHoldKey(given)) {
    return fail('KEY_FILE', ['(not shown: its path may be a key)', `cannot be read: ${code}`], { detail: 'Give the path of the file, not its content. For a key itself use "new Keyring(key)".' })
  }
  return fail('KEY_FILE', [path, `cannot be read: ${code}`], { detail: UNREADABLE[code], cause })
}

/** Reads a file and its times: those of the same file, even if it is replaced meanwhile. */
async function readWithTimes (path: string): Promise<KeyFile> {
  const file = await open(path)
  try {
    const content = await file.readFile()
    // After the content, so that it is not newer. A copy may have kept the time of its original (cp -p, rsync
    // -a): the second time says when it came here.
    const { mtimeMs, ctimeMs, mode } = await file.stat()
    return { path, content, writtenAt: Math.max(mtimeMs, ctimeMs), mode: mode & 0o777, isMounted: await isMounted(path) }
  } finally {
    await file.close()
  }
}

/** Folder in which Kubernetes writes the files of a secret: those of the mount are links to it, and it is another one after each change. */
const DATED_FOLDER = /\/\.\.\d{4}_[^/]+\//

async function isMounted (path: string): Promise<boolean> {
  // The folder may be exchanged just now. It is about a warning, and must not fail the start.
  const real = await realpath(path).catch(() => path)
  return DATED_FOLDER.test(real)
}

const WRITABLE = 0o022
const READABLE = 0o004

/**
 * Rights on a key file of users who should have none; null if nothing. A user who writes it
 * chooses the key, and one who reads it makes sessions of anybody. A mounted secret has the mode 0644 by
 * default, but only the users of its container can read it.
 */
export function exposureOf ({ mode, isMounted }: Pick<KeyFile, 'mode' | 'isMounted'>, platform = process.platform): string | null {
  if (platform === 'win32') return null
  if ((mode & WRITABLE) !== 0) return 'users other than its owner may write it'
  return (mode & READABLE) !== 0 && !isMounted ? 'every user may read it' : null
}

/**
 * The keys of a file, newest first: one a line in hex or base64, `#` begins a comment; or 32 raw bytes and
 * nothing else. 32 bytes of plain text are text: they were not chosen at random.
 * @throws `FST_SEALED_SESSION_KEY_FILE`, which names the line and never what it holds. One bad line
 * makes the whole file bad: half a list would end the sessions of the other half.
 */
export function parseKeyFile (content: Buffer, path: string): Buffer[] {
  return isRawKey(content) ? [Buffer.from(content)] : parseKeyLines(content, path).filter(key => key !== null)
}

/**
 * True if a file is 32 raw bytes. It is not if they are all printable ASCII, which random ones are once in
 * 2e13 times: a comment is, and so is the part of a line of hex that is there while it is written.
 */
export function isRawKey (content: Buffer): boolean {
  return content.length === KEY_BYTES && !/^[\t\r\n -~]*$/.test(content.toString('latin1'))
}

/**
 * Content of each line of a text: a key, or null for a comment or nothing.
 * @throws as `parseKeyFile` does.
 */
export function parseKeyLines (content: Buffer, path: string): Array<Buffer | null> {
  const lines = textOf(content).split('\n').map(line => line.replace(/#[^]*/, '').trim())
  const keys = lines.map((line, index) => line === '' ? null : readLine(line, index + 1, path))
  if (keys.every(key => key === null)) throw fail('KEY_FILE', [path, 'has no key in it'])
  return keys
}

function textOf (content: Buffer): string {
  const text = content.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text // a byte order mark, which Windows editors write
}

function readLine (line: string, number: number, path: string): Buffer {
  try {
    return readKey(line, 'the key')
  } catch (error) {
    const { message, hint } = error as SealedSessionError
    throw fail('KEY_FILE', [path, `is not valid in line ${number}: ${message}`], { detail: hint })
  }
}

/** Keys that change outside of the process: those of a file, or what a function of the app's loads. */
export interface Followed {
  /** Source of the keys, as messages name it. */
  readonly source: string
  readonly content: Buffer
  /** Milliseconds since 1970 at which they were changed last. */
  readonly writtenAt: number
  readonly read: () => Promise<Buffer>
  /** @throws for content that is not valid */
  readonly parse: (content: Buffer) => Buffer[]
}

/** A file that is followed. */
export function fileSource ({ path, content, writtenAt }: KeyFile): Followed {
  return { source: `the key file ${path}`, content, writtenAt, read: async () => await readFile(path), parse: content => parseKeyFile(content, path) }
}

/** Looks in a row that must find the same before it counts: a file that is being written changes. */
const LOOKS_TO_COUNT = 2

/** Milliseconds after which a read that has not ended is a failure. */
const HANGS_AFTER_MS = 10_000

/** Longest delay of a timer: Node takes a longer one for one of a millisecond. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** Error of a file system that does not answer, such as one on a network, and of a function of the app's that does not return. */
const HANGS = new Error('ETIMEDOUT: no answer')

/** Settings of a watch. */
interface KeyWatch {
  /** Reads the keys as they are now: a file, or what the app loads. */
  read: () => Promise<Buffer>
  /** Seconds between two looks. */
  interval: number
  /** Content at first. */
  content: Buffer
  /** Called with a new content, once it was found twice in a row. */
  changed: (content: Buffer) => void
  /** Called after each look, also one that found nothing or that hangs; after `changed` and `failed`. */
  looked: () => void
  /** Called if it cannot be read any more, once it was so twice in a row. */
  failed: (error: Error) => void
}

/**
 * Follows keys by reading them again and again. A file of keys is small, and so every way of replacing it is
 * noticed: a rename, a symlink of a mounted secret that is swapped in some parent folder, a file on
 * a network. `fs.watch` misses the last two.
 *
 * Does not keep the process running.
 * @param watch whose functions must not throw.
 * @returns a function that stops the watch.
 */
export function watchKeys ({ read, interval, content, changed, looked, failed }: KeyWatch): () => void {
  let told: Buffer | Error = content
  let seen: Buffer | Error = content
  let looks = LOOKS_TO_COUNT
  /** Intervals for which a read has been under way; null if none is. */
  let waited: number | null = null
  let isStopped = false
  let timer = lookLater()

  function lookLater (): NodeJS.Timeout {
    return quietTimer(look, Math.min(interval * 1000, MAX_DELAY_MS))
  }

  /**
   * Reads once. One read at a time, however slow the file system is: reads that hang would block the threads of
   * Node.js.
   */
  function look (): void {
    timer = lookLater()
    if (waited !== null) {
      waited++
      if (waited * interval * 1000 >= HANGS_AFTER_MS) found(HANGS)
      return
    }
    waited = 0
    read().catch((error: Error) => error).then(content => {
      waited = null
      if (!isStopped) found(content)
    })
  }

  function found (content: Buffer | Error): void {
    looks = isSame(content, seen) ? looks + 1 : 1
    seen = content
    if (looks === LOOKS_TO_COUNT && !isSame(content, told)) tell(content)
    looked()
  }

  function tell (found: Buffer | Error): void {
    told = found
    if (types.isUint8Array(found)) changed(found)
    else failed(found)
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** Timer that does not keep the process running. In jsdom it is a number, and does. */
function quietTimer (call: () => void, delay: number): NodeJS.Timeout {
  const timer = setTimeout(call, delay)
  ;(timer as Partial<NodeJS.Timeout>).unref?.()
  return timer
}

/**
 * True if both are the same. Bytes are told from errors by what they are: in Jest and in jsdom, an error of
 * the file system is no `Error` of this realm.
 */
function isSame (found: Buffer | Error, other: Buffer | Error): boolean {
  return types.isUint8Array(found) && types.isUint8Array(other) ? found.equals(other) : String(found) === String(other)
}
