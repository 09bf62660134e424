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
