import type { CookieSerializeOptions } from '@fastify/cookie'
import { kindOf, sealedSessionError } from './errors.ts'
import { assertKeyType, isConstant, readKey } from './keys/key.ts'
import { Keyring } from './keys/keyring.ts'
import { keyFromPassphrase } from './keys/passphrase.ts'
import { DEFAULT_EXPIRY } from './lifetime.ts'
import { checkAttributeNames, checkOptionNames } from './option-names.ts'
import type { Warn } from './warnings.ts'

/** One session's options, checked, complete and frozen. */
export interface SessionConfig {
  readonly sessionName: string
  readonly cookieName: string
  /** Seconds. */
  readonly expiry: number
  readonly cookie: Readonly<CookieSerializeOptions>
  readonly noStore: boolean
  readonly keyring: Keyring
  /** The passphrase that the key was derived from, or undefined. */
  readonly secret: string | Buffer | undefined
}

type Options = Readonly<Record<string, unknown>>

/**
 * Checks what `register` was given. The caller's objects are read, never changed.
 * @returns the sessions in the order given; at least one.
 */
export async function readOptions (options: unknown, warn: Warn): Promise<SessionConfig[]> {
  const list: unknown[] = Array.isArray(options) ? options : [options ?? {}]
  if (list.length === 0) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING', [], 'The array of sessions is empty.')
  const entries = list.map((entry, index) => asOptions(entry, Array.isArray(options) ? `[${index}]` : ''))
  const named = entries.map(entry => readNames(entry))
  assertDistinct(named)
  // All checks that need no key derivation come first: a typo is reported at once.
  const checked = entries.map((entry, index) => ({ ...named[index]!, ...readSettings(entry, named[index]!.sessionName, warn) }))
  // One after the other: each derivation takes 256 MiB while it runs.
  const keyrings: Keyring[] = []
  for (const [index, entry] of entries.entries()) keyrings.push(await readKeyring(entry, named[index]!.sessionName, warn))
  return checked.map((settings, index) => Object.freeze({ ...settings, keyring: keyrings[index]! }))
}

function asOptions (entry: unknown, position: string): Options {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw sealedSessionError('FST_SEALED_SESSION_OPTIONS_INVALID', [position, kindOf(entry)])
  }
  return entry as Options
}

interface Names {
  sessionName: string
  cookieName: string
}

function readNames (options: Options): Names {
  const sessionName = readText(options, 'sessionName') ?? 'session'
  return { sessionName, cookieName: readText(options, 'cookieName') ?? sessionName }
}

function assertDistinct (names: readonly Names[]): void {
  for (const property of ['sessionName', 'cookieName'] as const) {
    const seen = new Set<string>()
    for (const { [property]: name } of names) {
      if (seen.has(name)) throw sealedSessionError('FST_SEALED_SESSION_NAME_TAKEN', [property, name])
      seen.add(name)
    }
  }
}

function readSettings (options: Options, sessionName: string, warn: Warn): Omit<SessionConfig, keyof Names | 'keyring'> {
  checkOptionNames(options, sessionName, warn)
  return {
    expiry: readExpiry(options.expiry, sessionName, warn),
    cookie: readCookie(options, sessionName, warn),
    noStore: readFlag(options, 'noStore', true),
    secret: signingPassphrase(options)
  }
}

/** Like the peer, an empty text means the default. */
function readText (options: Options, name: string): string | undefined {
  const value = options[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'a string', kindOf(value)])
  return value
}

function readFlag (options: Options, name: string, fallback: boolean): boolean {
  const value = options[name] ?? fallback
  if (typeof value !== 'boolean') throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'a boolean', kindOf(value)])
  return value
}

function readExpiry (expiry: unknown, sessionName: string, warn: Warn): number {
  if (expiry === undefined) return DEFAULT_EXPIRY
  if (expiry === 0 || expiry === null) {
    warn('FST_SEALED_SESSION_WARN_EXPIRY', sessionName, String(expiry), DEFAULT_EXPIRY)
    return DEFAULT_EXPIRY
  }
  if (typeof expiry === 'number' && Number.isFinite(expiry) && expiry > 0) return expiry
  throw sealedSessionError('FST_SEALED_SESSION_DURATION', ['expiry', typeof expiry === 'number' ? String(expiry) : kindOf(expiry)])
}

function readCookie (options: Options, sessionName: string, warn: Warn): CookieSerializeOptions {
  const name = options.cookieOptions ? 'cookieOptions' : 'cookie'
  const cookie = options[name] ?? {}
  if (typeof cookie !== 'object' || Array.isArray(cookie)) {
    throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'an object', kindOf(cookie)])
  }
  const copy: CookieSerializeOptions = { ...cookie }
  checkAttributeNames(copy, sessionName, warn)
  if (copy.encode !== undefined && typeof copy.encode !== 'function') {
    throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [`${name}.encode`, 'a function', kindOf(copy.encode)])
  }
  // A script that runs in the page cannot read, and so not steal, what it cannot see.
  if (copy.httpOnly === undefined) copy.httpOnly = true
  return Object.freeze(copy)
}

function signingPassphrase (options: Options): string | Buffer | undefined {
  const { key, secret } = options
  return key ? undefined : typeof secret === 'string' ? secret : secret instanceof Uint8Array ? Buffer.from(secret) : undefined
}

async function readKeyring (options: Options, sessionName: string, warn: Warn): Promise<Keyring> {
  const { key, secret, salt } = options
  // Like the peer, an empty value is one that was not given: an environment variable that is not set.
  if (key) {
    if (secret) warn('FST_SEALED_SESSION_WARN_KEY_AND_SECRET', sessionName)
    return new Keyring(readKeys(key, sessionName, warn))
  }
  if (!secret) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING')
  if (!salt) warn('FST_SEALED_SESSION_WARN_SALT', sessionName)
  return new Keyring([await keyFromPassphrase(secret, salt || undefined)])
}

function readKeys (key: unknown, sessionName: string, warn: Warn): Buffer[] {
  const list: unknown[] = Array.isArray(key) ? key : [key]
  if (list.length === 0) throw sealedSessionError('FST_SEALED_SESSION_KEY_MISSING', [], 'The array of keys is empty.')
  return list.map((item, index) => {
    const label = Array.isArray(key) ? `key[${index}]` : 'key'
    assertKeyType(item, label)
    const bytes = readKey(item, label)
    if (isConstant(bytes)) warn('FST_SEALED_SESSION_WARN_KEY_CONSTANT', sessionName, label)
    return bytes
  })
}
