// Bytes as the targets take them.
import { Buffer } from 'node:buffer'

/** Takes one byte off: what a target decides with. */
export function split (data) {
  return { choice: data[0] ?? 0, rest: data.subarray(1) }
}

/** Bytes behind a choice. */
export function joined (choice, rest) {
  return Buffer.concat([Buffer.from([choice]), Buffer.from(rest)])
}

/** The characters of a header as Node reads them: one a byte. */
export function headerOf (data) {
  return data.toString('latin1')
}

/** `text` with some of its characters changed, each by three bytes: two for where, one for the character. */
export function editedBy (data, text) {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at + 2 < data.length && bytes.length > 0; at += 3) bytes[data.readUInt16BE(at) % bytes.length] = data[at + 2]
  return bytes.toString('latin1')
}
