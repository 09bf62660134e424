// How targets find out whether a message says anything of a secret: it must be the same, word for word,
// for another secret of the same form.
import { Buffer } from 'node:buffer'

const KINDS = ['0123456789', 'abcdef', 'ABCDEF', 'ghijklmnopqrstuvwxyz', 'GHIJKLMNOPQRSTUVWXYZ']

/** Each letter and digit one on, within its kind. */
const EXCHANGE = Buffer.from(Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  const kind = KINDS.find(kind => kind.includes(character))
  return kind === undefined ? byte : kind.charCodeAt((kind.indexOf(character) + 1) % kind.length)
}))

/** The same bytes with every letter and digit exchanged for another of its kind. */
export function exchanged (content) {
  return Buffer.from(content.map(byte => EXCHANGE[byte]))
}
