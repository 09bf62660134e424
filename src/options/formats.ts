import type { Format } from '../token-types.ts'
import { kindOf, sealedSessionError, type SealedSessionError } from '../errors.ts'
import { nearest } from './names.ts'

const FORMATS: readonly Format[] = ['secretbox', 'sealed']

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readFormat (format: unknown): Format {
  if (format === undefined || format === null) return 'secretbox'
  if (isFormat(format)) return format
  throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', ['format', "'secretbox' or 'sealed'", `${kindOf(format)}${suggestion(format)}`])
}

/**
 * Formats that are opened.
 * @param format the one that seals: a session that was sealed must open again.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function readAccept (accept: unknown, format: Format): readonly Format[] {
  if (accept === undefined || accept === null) return Object.freeze([...new Set<Format>([format, 'sealed'])])
  if (!Array.isArray(accept)) throw notAccepted(format, kindOf(accept))
  const index = accept.findIndex(item => !isFormat(item))
  if (index !== -1) {
    const item: unknown = accept[index]
    throw notAccepted(format, `${typeof item === 'string' ? 'an unknown format' : kindOf(item)} at [${index}]${suggestion(item)}`)
  }
  if (!accept.includes(format)) throw notAccepted(format, 'an array without it')
  return Object.freeze([...accept as Format[]])
}

function notAccepted (format: Format, got: string): SealedSessionError {
  return sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', ['accept', `an array of formats with '${format}' in it, which is the one that seals`, got])
}

function isFormat (value: unknown): value is Format {
  return FORMATS.some(format => format === value)
}

function suggestion (value: unknown): string {
  const near = typeof value === 'string' ? nearest(value, FORMATS) : undefined
  return near === undefined ? '' : `, did you mean '${near}'?`
}
