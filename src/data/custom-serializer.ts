import type { Data } from './data.ts'
import { kindOf, sealedSessionError } from '../errors.ts'
import type { SessionSerializer } from '../options/types.ts'
import type { Serializer } from './serializer.ts'

/** A serializer of the app's, with its failures turned into what sealing and opening expect. */
export function customSerializer (own: SessionSerializer): Serializer {
  return {
    isJson: false,

    stringify (data) {
      let text: unknown
      try {
        text = own.stringify(data)
      } catch (error) {
        throw failed('has thrown', error)
      }
      if (typeof text !== 'string') throw failed(`has returned ${kindOf(text)}`)
      return text
    },

    parse (text) {
      try {
        const value: unknown = own.parse(text)
        return isPlain(value) ? { ...value } : null
      } catch {
        return null // authentic, but not written by this serializer: refused by the caller with a reason
      }
    }
  }
}

/** An object with keys and values, and not a Date, a Promise or the like, which have a prototype of their own. */
function isPlain (value: unknown): value is Data {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * Error of the app's serializer. The value thrown may have data of the session in it: it is the cause, and
 * not in the message.
 */
function failed (what: string, cause?: unknown): Error {
  const error = sealedSessionError('FST_SEALED_SESSION_SERIALIZER_FAILED', [what])
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true })
  return error
}
