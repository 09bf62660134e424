import { isRawKey, parseKeyLines } from '../keys/key-file.ts'
import { KeySet } from '../keys/key-set.ts'

/** The byte order mark of UTF-8, read one character a byte. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/

export interface RotationRequest {
  /** Content of a key file. */
  content: Buffer
  /** Path of the file, for messages. */
  path: string
  newKey: Buffer
  /** Number of the older keys that stay. */
  keep: number
  /** Date that the comment behind the new key says. */
  date: string
}

/** A key file with a new first key. The keys are named by their ids. */
export interface Rotation {
  content: Buffer
  added: string
  kept: string[]
  removed: string[]
  /** True if the file was 32 bytes and no text. */
  wasRaw: boolean
}

/**
 * Puts a line with a new key before the first one that has a key, and takes away the lines of those
 * that are not to stay. All other lines are as they were, byte for byte.
 * @throws the errors of `parseKeyFile`, and `FST_SEALED_SESSION_KEY_ID_TAKEN` if two keys have one id.
 */
export function rotateKeys ({ content, path, newKey, keep, date }: RotationRequest): Rotation {
  const wasRaw = isRawKey(content)
  const text = wasRaw ? Buffer.from(`${content.toString('hex')}\n`) : content
  const lineKeys = parseKeyLines(text, path)
  const [added, ...older] = KeySet.of([newKey, ...lineKeys.filter(key => key !== null)]).check().keys
  const removed = older.slice(keep)

  // Latin-1 gives each byte a character, so that comments in any encoding survive.
  const lines = text.toString('latin1').replace(BYTE_ORDER_MARK, '').split('\n')
  const ending = lines.some(line => line.endsWith('\r')) ? '\r' : ''
  const first = lineKeys.findIndex(key => key !== null)
  const stays = lineKeys.map(key => key === null || !removed.some(({ bytes }) => bytes.equals(key)))
  const rotated = lines.filter((_, index) => stays[index])
  rotated.splice(first, 0, `${newKey.toString('hex')}  # ${date}${ending}`)

  return {
    content: Buffer.from(rotated.join('\n'), 'latin1'),
    added: added!.id, // the new key is the first of the set
    kept: older.slice(0, keep).map(({ id }) => id),
    removed: removed.map(({ id }) => id),
    wasRaw
  }
}
