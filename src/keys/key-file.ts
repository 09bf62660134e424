import { KEY_BYTES } from '../crypto/library.ts'
import { sealedSessionError, type SealedSessionError } from '../errors.ts'
import { readKey } from './key.ts'

/**
 * The keys of a file, newest first: one a line in hex or base64, `#` begins a comment; or 32 raw
 * bytes and nothing else.
 * @throws `FST_SEALED_SESSION_KEY_FILE`, which names the line and never what it holds. One bad line
 * makes the whole file bad: half a list would end the sessions of the other half.
 */
export function parseKeyFile (content: Buffer, path: string): Buffer[] {
  if (content.length === KEY_BYTES) return [Buffer.from(content)]
  return parseKeyLines(content, path).filter(key => key !== null)
}

/**
 * What each line of a text holds: a key, or null for a comment or nothing.
 * @throws as `parseKeyFile` does.
 */
export function parseKeyLines (content: Buffer, path: string): Array<Buffer | null> {
  const lines = textOf(content).split('\n').map(line => line.replace(/#.*/, '').trim())
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
