import { open } from 'node:fs/promises'
import { KEY_BYTES } from '../crypto/library.ts'
import { sealedSessionError, type SealedSessionError } from '../errors.ts'
import { readKey } from './key.ts'

/** A file of keys as it was read. */
export interface KeyFile {
  path: string
  content: Buffer
  /** Milliseconds since 1970 at which it was last written, or put where it is. */
  writtenAt: number
}

/** Reads a file and its times, those of the same file even where it is replaced meanwhile. */
export async function readKeyFile (path: string): Promise<KeyFile> {
  const file = await open(path)
  try {
    const content = await file.readFile()
    // After the content, so that it is not newer. A copy may have kept the time of its original
    // (cp -p, rsync -a): the second time says when it came here.
    const { mtimeMs, ctimeMs } = await file.stat()
    return { path, content, writtenAt: Math.max(mtimeMs, ctimeMs) }
  } finally {
    await file.close()
  }
}

/**
 * The keys of a file, newest first: one a line in hex or base64, `#` begins a comment; or 32 raw
 * bytes and nothing else. 32 bytes of plain text are text: whoever chose them, it was not at random.
 * @throws `FST_SEALED_SESSION_KEY_FILE`, which names the line and never what it holds. One bad line
 * makes the whole file bad: half a list would end the sessions of the other half.
 */
export function parseKeyFile (content: Buffer, path: string): Buffer[] {
  return isRawKey(content) ? [Buffer.from(content)] : parseKeyLines(content, path).filter(key => key !== null)
}

/**
 * Whether a file is 32 raw bytes. It is not where they are all printable ASCII, which random ones are
 * once in 2e13 times: a comment is, and so is what is there of a line of hex while it is written.
 */
export function isRawKey (content: Buffer): boolean {
  return content.length === KEY_BYTES && !/^[\t\r\n -~]*$/.test(content.toString('latin1'))
}

/**
 * What each line of a text holds: a key, or null for a comment or nothing.
 * @throws as `parseKeyFile` does.
 */
export function parseKeyLines (content: Buffer, path: string): Array<Buffer | null> {
  const lines = textOf(content).split('\n').map(line => line.replace(/#[^]*/, '').trim())
  const keys = lines.map((line, index) => line === '' ? null : readLine(line, index + 1, path))
  if (keys.every(key => key === null)) throw sealedSessionError('FST_SEALED_SESSION_KEY_FILE', [path, 'has no key in it'])
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
    throw sealedSessionError('FST_SEALED_SESSION_KEY_FILE', [path, `is not valid in line ${number}: ${message}`], hint)
  }
}
