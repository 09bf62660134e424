import { kindOf, fail } from '../errors.ts'
import { readDuration, readText, refuseUnknown, REGISTER_OPTIONS } from '../options/readers.ts'
import { subjectsReader, type SubjectsReader } from './subject.ts'
import type { RevocationStore, SessionRevocationOptions } from './types.ts'

const NAMES = ['store', 'subject', 'stamp', 'sessionName', 'cacheTtl', 'onStoreError', 'storeTimeout']

const DEFAULT_CACHE_TTL = 2
const DEFAULT_STORE_TIMEOUT = 0.5

// Longest `cacheTtl`, in seconds. An app that gives more has meant milliseconds.
const MAX_CACHE_TTL = 300
const MAX_STORE_TIMEOUT = 60

/** The options of `sessionRevocation`, checked and complete. */
export interface RevocationConfig {
  /** Null for one in memory, false for none. */
  store: RevocationStore | null | false
  subjects: SubjectsReader | null
  stamp: SessionRevocationOptions['stamp'] | null
  /** Null for the first session of the app. */
  sessionName: string | null
  /** Milliseconds. */
  cacheTtl: number
  onStoreError: 'reject' | 'accept'
  /** Milliseconds. */
  storeTimeout: number
}

/** Checks the options given to `register`; nothing of them is changed. */
export function readRevocationOptions (options: SessionRevocationOptions): RevocationConfig {
  refuseUnknown(options, [...NAMES, ...REGISTER_OPTIONS])
  return {
    ...readStamp(options),
    store: readStore(options),
    subjects: readSubject(options.subject),
    sessionName: readText(options, 'sessionName') ?? null,
    cacheTtl: readMilliseconds(options, 'cacheTtl', DEFAULT_CACHE_TTL, MAX_CACHE_TTL, { orZero: true }),
    onStoreError: readOnStoreError(options.onStoreError),
    storeTimeout: readMilliseconds(options, 'storeTimeout', DEFAULT_STORE_TIMEOUT, MAX_STORE_TIMEOUT)
  }
}

function readStore ({ store, stamp }: { store?: unknown, stamp?: unknown }): RevocationStore | null | false {
  if (store === undefined || store === null) return null
  // Without both, nothing could end a session.
  if (store === false && typeof stamp === 'function') return false
  const { get, set } = Object(store) as Partial<RevocationStore>
  if (typeof get !== 'function' || typeof set !== 'function') {
    throw fail('OPTION_INVALID', ['store', 'a store with get and set, such as a Keyv, or false beside "stamp"', kindOf(store)])
  }
  assertLoud(store, 'the store')
  assertLoud((store as { store?: unknown }).store, 'its adapter') // a Keyv has it there
  return store as RevocationStore
}

/** Refuses a Keyv, or an adapter, that keeps failures to itself, as most do unless told otherwise. */
function assertLoud (part: unknown, name: string): void {
  if (typeof part !== 'object' || part === null || !('throwOnErrors' in part)) return
  if (part.throwOnErrors !== true) throw fail('STORE_SILENT', [name])
}

function readSubject (subject: unknown): SubjectsReader | null {
  if (subject === undefined || typeof subject === 'function') return subjectsReader(subject as SessionRevocationOptions['subject'])
  throw fail('OPTION_INVALID', ['subject', 'a function', kindOf(subject)])
}

function readStamp ({ stamp, subject }: { stamp?: unknown, subject?: unknown }): Pick<RevocationConfig, 'stamp'> {
  if (stamp === undefined || stamp === null) return { stamp: null }
  if (typeof stamp !== 'function') throw fail('OPTION_INVALID', ['stamp', 'a function', kindOf(stamp)])
  if (subject === undefined) throw fail('SUBJECT_MISSING', ['the option "stamp"'])
  return { stamp: stamp as SessionRevocationOptions['stamp'] }
}

function readOnStoreError (choice: unknown): 'reject' | 'accept' {
  if (choice === undefined) return 'reject'
  if (choice === 'reject' || choice === 'accept') return choice
  throw fail('OPTION_INVALID', ['onStoreError', "'reject' or 'accept'", kindOf(choice)])
}

function readMilliseconds (options: SessionRevocationOptions, name: 'cacheTtl' | 'storeTimeout', fallback: number, most: number, rule?: { orZero: boolean }): number {
  const seconds = readDuration(options, name, fallback, rule)
  if (seconds > most) throw fail('OPTION_INVALID', [name, `at most ${most} seconds`, seconds])
  return seconds * 1000
}
