import type { FastifyRequest } from 'fastify'
import { kindOf, fail } from '../errors.ts'
import type { SessionRequest } from '../http/exchange.ts'
import type { SessionRegistryOptions } from './types.ts'

/** Longest text in a description, in characters: a client may send a name of its browser that is longer than any line. */
const MAX_TEXT = 256

/** Longest JSON of a description, in bytes. */
const MAX_BYTES = 2048

/** Reader of the description of a request: JSON, or empty text without `describe`. */
export type DescriptionReader = (request: SessionRequest) => string

/**
 * Reader that checks the result of the app's `describe`. To cut texts, rather than refuse them, keeps a client with a
 * long header from being locked out.
 */
export function descriptionReader (describe: SessionRegistryOptions['describe']): DescriptionReader {
  if (describe === undefined) return () => ''
  return request => {
    const description: unknown = describe(request as FastifyRequest) // the plugin's requests are Fastify's
    if (!isPlain(description)) throw invalid(`an object, got ${isPromise(description) ? 'a promise' : kindOf(description)}`)
    const json = toJson(description)
    const bytes = Buffer.byteLength(json)
    if (bytes > MAX_BYTES) throw invalid(`at most ${MAX_BYTES} bytes of JSON, got ${bytes}`)
    return json
  }
}

function isPlain (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value)
}

function isPromise (value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function'
}

function toJson (description: object): string {
  try {
    return JSON.stringify(description, (_name, value: unknown) => typeof value === 'string' ? cut(value) : value)
  } catch (cause) {
    throw invalid('JSON, got a value that it cannot hold', cause)
  }
}

/** The beginning of a text, without half a character at its end. */
function cut (text: string): string {
  return text.length <= MAX_TEXT ? text : text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, '')
}

function invalid (expectedAndGot: string, cause?: unknown): Error {
  return fail('DESCRIPTION_INVALID', [expectedAndGot], { cause })
}
