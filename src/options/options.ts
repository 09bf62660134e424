import type { CookieSerializeOptions } from '@fastify/cookie'
import { nearest, warnOfMilliseconds } from '#option-hints'
import { IS_EDGE } from '#runtime'
import { MAX_CHUNKS } from '../cookies/chunks.ts'
import { DataSchema } from '../data/schema.ts'
import { customSerializer, JsonSerializer, type Serializer } from '../data/serializer.ts'
import { kindOf, fail, type SealedSessionError } from '../errors.ts'
import { type Keys, readKeyring } from './keys.ts'
import type { Warn } from '../messages.ts'
import { assertWithin, checkOptionNames, type Options, readCookie, readDuration, readFlag, readText, readWhole, refuseUnknown } from './readers.ts'
import type { CacheLimits } from '../token/token-cache.ts'
import { DEFAULT_EXPIRY, DEFAULT_MAX_EXPIRY } from '../token/lifetime.ts'
import type { Format, SessionCacheOptions, SessionSerializer, StandardSchema } from '../types.ts'

const DEFAULT_CACHE_BYTES = 2 ** 20
/** Room for a token of the greatest length that the cache takes. Less would be a mistake: megabytes, or a number of sessions. */
const MIN_CACHE_BYTES = 2 ** 15
const MAX_CACHE_BYTES = 2 ** 30

/** Seconds. */
const DEFAULT_CACHE_AGE = 60
/** An hour. More would be milliseconds. */
const MAX_CACHE_AGE = 3600

/** One session's options, checked, complete and frozen. */
export interface SessionConfig extends Keys {
  readonly sessionName: string
  readonly cookieName: string
  /** Seconds. */
  readonly expiry: number
  /** Seconds; not less than `expiry`. */
  readonly maxExpiry: number
  /** Seconds, or null for no limit. */
  readonly absoluteTimeout: number | null
  readonly rolling: boolean
  readonly cookie: Readonly<CookieSerializeOptions>
  readonly noStore: boolean
  readonly maxChunks: number
  readonly format: Format
  readonly accept: readonly Format[]
  /** Context that sealed tokens are bound to. */
  readonly context: string
  readonly serializer: Serializer
  /** Null if a session may hold anything. */
  readonly schema: DataSchema | null
  /** Null for no cache. */
  readonly cache: CacheLimits | null
}

/** Checks the options of one session. The caller's object is read, never changed. */
export async function readOptions (options: unknown, warn: Warn): Promise<SessionConfig> {
  const entry = asOptions(options ?? {})
  return await withKeys(entry, readUnkeyed(entry, readNames(entry), warn), warn)
}

/** @param position of the session in the app's list, such as `[1]`; empty without one. */
export function asOptions (entry: unknown, position = ''): Options {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw fail('OPTIONS_INVALID', [position, kindOf(entry)])
  }
  return entry as Options
}

/** Names of a session. */
export interface Names {
  sessionName: string
  cookieName: string
}

export function readNames (options: Options): Names {
  const sessionName = readText(options, 'sessionName') ?? 'session'
  return { sessionName, cookieName: readText(options, 'cookieName') ?? sessionName }
}

/** Options of a session, checked, but for its keys. */
export type Unkeyed = Omit<SessionConfig, keyof Keys>

/** Makes all checks that need no key derivation. */
export function readUnkeyed (options: Options, { sessionName, cookieName }: Names, warn: Warn): Unkeyed {
  checkOptionNames(options, sessionName, warn)
  for (const name of ['expiry', 'maxExpiry', 'absoluteTimeout'] as const) warnOfMilliseconds(name, options[name], sessionName, warn)
  const format = readFormat(options.format)
  const accept = readAccept(options.accept, format)
  if (IS_EDGE && accept.includes('secretbox')) throw fail('NOT_AT_EDGE', ['the format "secretbox"'], { detail: 'Write "format: \'sealed\'", and leave "secretbox" out of "accept".' })
  return {
    sessionName,
    cookieName,
    ...readLifetimes(options, sessionName, warn),
    ...readRenewal(options, sessionName, warn),
    cookie: readCookie(options, sessionName, warn),
    noStore: readFlag(options, 'noStore', true),
    maxChunks: readWhole(options, 'maxChunks', 2, MAX_CHUNKS),
    format,
    accept,
    context: readContext(options) ?? cookieName,
    serializer: readSerializer(options, sessionName, warn),
    schema: readSchema(options),
    cache: readCache(options)
  }
}

/** Adds the keys. */
export async function withKeys (options: Options, checked: Unkeyed, warn: Warn): Promise<SessionConfig> {
  return Object.freeze({ ...checked, ...await readKeyring(options, checked.sessionName, warn) })
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_DURATION` */
function readCache (options: Options): CacheLimits | null {
  const cache = options.cache ?? false
  if (cache === false) return null
  if (cache !== true && (typeof cache !== 'object' || Array.isArray(cache))) throw fail('OPTION_INVALID', ['cache', 'true, false, or an object with "maxBytes" and "maxAge"', kindOf(cache)])
  const limits: SessionCacheOptions = cache === true ? {} : cache
  refuseUnknown(limits, ['maxBytes', 'maxAge'])
  // The cookie has a maxAge, too.
  const named = { 'cache.maxBytes': limits.maxBytes, 'cache.maxAge': limits.maxAge }
  const maxAge = readDuration(named, 'cache.maxAge', DEFAULT_CACHE_AGE)
  if (maxAge > MAX_CACHE_AGE) throw fail('OPTION_INVALID', ['cache.maxAge', `at most ${MAX_CACHE_AGE} seconds`, String(maxAge)])
  return Object.freeze({ maxBytes: readWhole(named, 'cache.maxBytes', DEFAULT_CACHE_BYTES, MAX_CACHE_BYTES, MIN_CACHE_BYTES), maxAge })
}

function readRenewal (options: Options, sessionName: string, warn: Warn): Pick<SessionConfig, 'absoluteTimeout' | 'rolling'> {
  const absoluteTimeout = options.absoluteTimeout === undefined || options.absoluteTimeout === null ? null : readDuration(options, 'absoluteTimeout', 0)
  const rolling = readFlag(options, 'rolling', false)
  if (rolling && absoluteTimeout === null) warn('FST_SEALED_SESSION_WARN_ROLLING', sessionName)
  return { absoluteTimeout, rolling }
}

function readContext (options: Options): string | undefined {
  const context = readText(options, 'context')
  if (context === undefined || Buffer.from(context).toString() === context) return context
  // Each half of a surrogate pair has the same bytes in UTF-8: two contexts would be one.
  throw fail('OPTION_INVALID', ['context', 'text that UTF-8 can hold', 'half of a surrogate pair'])
}

/** @throws `FST_SEALED_SESSION_DURATION`, `FST_SEALED_SESSION_EXPIRY_TOO_LONG` */
function readLifetimes (options: Options, sessionName: string, warn: Warn): Pick<SessionConfig, 'expiry' | 'maxExpiry'> {
  if (options.maxExpiry === undefined || options.maxExpiry === null) {
    const expiry = readExpiry(options, DEFAULT_EXPIRY, sessionName, warn)
    // Apps that come from @fastify/secure-session may have any `expiry`: nobody but their developers has set
    // it.
    return { expiry, maxExpiry: Math.max(DEFAULT_MAX_EXPIRY, expiry) }
  }
  const maxExpiry = readDuration(options, 'maxExpiry', DEFAULT_MAX_EXPIRY)
  const expiry = readExpiry(options, Math.min(DEFAULT_EXPIRY, maxExpiry), sessionName, warn)
  assertWithin(expiry, maxExpiry)
  return { expiry, maxExpiry }
}

function readExpiry (options: Options, fallback: number, sessionName: string, warn: Warn): number {
  const { expiry } = options
  if (expiry !== 0 && expiry !== null) return readDuration(options, 'expiry', fallback)
  warn('FST_SEALED_SESSION_WARN_EXPIRY', sessionName, String(expiry), fallback)
  return fallback
}

const FORMATS: readonly Format[] = ['secretbox', 'sealed']

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
function readFormat (format: unknown): Format {
  if (format === undefined || format === null) return 'secretbox'
  if (isFormat(format)) return format
  throw fail('OPTION_INVALID', ['format', "'secretbox' or 'sealed'", `${kindOf(format)}${suggestion(format)}`])
}

/**
 * Formats that are opened.
 * @param format the one that seals: a session that was sealed must open again.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
function readAccept (accept: unknown, format: Format): readonly Format[] {
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
  return fail('OPTION_INVALID', ['accept', `an array of formats with '${format}' in it, which is the one that seals`, got])
}

function isFormat (value: unknown): value is Format {
  return FORMATS.some(format => format === value)
}

function suggestion (value: unknown): string {
  const near = typeof value === 'string' ? nearest(value, FORMATS) : undefined
  return near === undefined ? '' : `, did you mean '${near}'?`
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
function readSerializer (options: Options, sessionName: string, warn: Warn): Serializer {
  const serializer = options.serializer ?? null
  if (serializer === null) return new JsonSerializer((path, { what, becomes }) => { warn('FST_SEALED_SESSION_WARN_VALUE_CHANGED', sessionName, path, what, becomes) })
  const { stringify, parse } = serializer as Partial<Record<keyof SessionSerializer, unknown>>
  // A class with static methods, as superjson is, will do.
  if (typeof stringify === 'function' && typeof parse === 'function') return customSerializer(serializer as SessionSerializer)
  throw fail('OPTION_INVALID', ['serializer', 'an object with the functions "stringify" and "parse"', kindOf(serializer)])
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_SCHEMA_ASYNC` */
function readSchema (options: Options): DataSchema | null {
  const schema = options.schema ?? null
  if (schema === null) return null
  // Some libraries make objects, others functions.
  const standard = (schema as Partial<StandardSchema>)['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') return new DataSchema(schema as StandardSchema)
  throw fail('OPTION_INVALID', ['schema', 'a schema of a library that implements Standard Schema, such as zod', kindOf(schema)])
}
