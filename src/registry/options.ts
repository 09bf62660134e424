import { kindOf, fail } from '../errors.ts'
import { REGISTER_OPTIONS, readDuration, readText, readWhole, refuseUnknown } from '../options/readers.ts'
import { descriptionReader, type DescriptionReader } from './description.ts'
import type { RegistryStore, SessionRegistryOptions } from './types.ts'

const NAMES = ['store', 'describe', 'maxSessions', 'onMaxSessions', 'sessionName', 'storeTimeout']

const DEFAULT_STORE_TIMEOUT = 0.5
const MAX_STORE_TIMEOUT = 60

/** Most that a limit may be. A list has to be read at each login that it holds for. */
const MOST_SESSIONS = 10_000

/** Limit of a subject's sessions. */
export interface SessionLimit {
  most: number
  refuses: boolean
}

/** The options of `sessionRegistry`, checked and complete. */
export interface RegistryConfig {
  /** Null for one in memory. */
  store: RegistryStore | null
  describe: DescriptionReader
  /** Null without one. */
  limit: SessionLimit | null
  /** Null for the first session of the app. */
  sessionName: string | null
  /** Milliseconds. */
  storeTimeout: number
}

/** Checks the options given to `register`; nothing of them is changed. */
export function readRegistryOptions (options: SessionRegistryOptions): RegistryConfig {
  refuseUnknown(options, [...NAMES, ...REGISTER_OPTIONS])
  return {
    store: readStore(options.store),
    describe: readDescribe(options.describe),
    limit: readLimit(options),
    sessionName: readText(options, 'sessionName') ?? null,
    storeTimeout: readTimeout(options)
  }
}

function readStore (store: unknown): RegistryStore | null {
  if (store === undefined || store === null) return null
  const { put, remove, list } = Object(store) as Partial<RegistryStore>
  if ([put, remove, list].every(method => typeof method === 'function')) return store as RegistryStore
  throw fail('OPTION_INVALID', ['store', 'a store with put, remove and list, such as redisRegistry(client)', kindOf(store)])
}

function readDescribe (describe: unknown): DescriptionReader {
  if (describe === undefined || typeof describe === 'function') return descriptionReader(describe as SessionRegistryOptions['describe'])
  throw fail('OPTION_INVALID', ['describe', 'a function', kindOf(describe)])
}

function readLimit (options: SessionRegistryOptions): SessionLimit | null {
  const { maxSessions, onMaxSessions } = options as { maxSessions?: unknown, onMaxSessions?: unknown }
  if (![undefined, 'end-oldest', 'refuse'].includes(onMaxSessions as undefined)) {
    throw fail('OPTION_INVALID', ['onMaxSessions', "'end-oldest' or 'refuse'", kindOf(onMaxSessions)])
  }
  if (maxSessions !== undefined) return { most: readWhole(options, 'maxSessions', 0, MOST_SESSIONS), refuses: onMaxSessions === 'refuse' }
  if (onMaxSessions === undefined) return null
  throw fail('OPTION_INVALID', ['maxSessions', 'given together with onMaxSessions', 'undefined'])
}

function readTimeout (options: SessionRegistryOptions): number {
  const seconds = readDuration(options, 'storeTimeout', DEFAULT_STORE_TIMEOUT)
  if (seconds > MAX_STORE_TIMEOUT) throw fail('OPTION_INVALID', ['storeTimeout', `at most ${MAX_STORE_TIMEOUT} seconds`, seconds])
  return seconds * 1000
}
