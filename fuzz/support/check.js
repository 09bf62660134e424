// What targets find out by throwing.
import assert from 'node:assert/strict'
import { ERRORS } from '../build/error-table.js'
import { KNOWN } from './sealing.js'

/** All reasons to refuse a token. */
const REASONS = new Set([
  'malformed', 'too-long', 'ciphertext-length', 'nonce-length', 'version-unknown', 'key-unknown', 'not-authentic',
  'format-not-accepted', 'header-invalid', 'payload-invalid', 'time-missing', 'expired', 'time-in-future',
  'schema-invalid', 'signature-invalid', 'chunk-missing'
])

/** A refusal that says one of the reasons and nothing else. */
export function assertRefusal (refused) {
  assert.deepEqual(Object.keys(refused), ['ok', 'reason'])
  assert.ok(REASONS.has(refused.reason), refused.reason)
}

const SEALED = new Set([...KNOWN.values()].map(data => JSON.stringify(data)))

/** What was opened, or refused with a reason, is what was sealed. */
export function assertSealedOrRefused (opened) {
  if (opened.ok) assert.ok(SEALED.has(JSON.stringify(opened.data)), 'it holds what nobody has sealed')
  else assertRefusal(opened)
}

/** Data that was sealed again: the same JSON, which has no 1e999 and no -0, though it can be read. */
export function assertSame (data, before) {
  assert.equal(JSON.stringify(data), JSON.stringify(before))
}

/** An error of this package: with a code of the table, and a hint. */
export function isCoded (error) {
  return error instanceof Error && Object.hasOwn(ERRORS, String(error.code).replace('FST_SEALED_SESSION_', '')) && typeof error.hint === 'string'
}

/** What a function returns; undefined where it throws one of our errors, which `told` gets. Any other is a finding. */
export function unlessCoded (act, told = () => {}) {
  try {
    return act()
  } catch (error) {
    if (!isCoded(error)) throw error
    told(error)
    return undefined
  }
}

/** Text of an error that somebody may read. */
export function wordsOf (error) {
  return `${error.message}\n${error.hint ?? ''}`
}

/** Whether a value is a date that exists. */
export function isDate (value) {
  return value instanceof Date && !Number.isNaN(value.getTime())
}
