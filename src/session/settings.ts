import type { CookieSerializeOptions } from '@fastify/cookie'
import type { Data } from '../data/data.ts'
import type { KeySource } from '../keys/key-set.ts'
import type { SessionJudge } from './session-signal.ts'
import type { SessionSignals } from './lazy-signals.ts'
import type { Limits } from '../token/lifetime.ts'
import type { RecordChanges, SessionRecord } from '../token/record.ts'
import type { SessionState } from './session.ts'
import type { DeviceInfo, RefusalReason } from '../types.ts'

// Dependencies of sessions: settings, observers and keys.

/** Successor of a session after `delete()` or `regenerate()`. */
export interface Successor {
  /** True if it goes on with some of its data. */
  isKept: boolean
  /** True for `delete()`, and for `regenerate()` without keys to keep: it takes nothing from the session before. */
  isNew: boolean
  /** True for `delete()`. */
  isLogout: boolean
  /** True for `regenerate()` without keys that drops a value which was set a moment ago, such as the user's id. */
  isDropping?: boolean
  /** Method by which the user has just authenticated, if that is the cause. */
  method?: string
}

/** Observer of one session: it hears of each write, and of each end. */
export interface WriteObserver {
  written: () => void
  /** A value was handed out that can be changed in place; called once, as far as nothing was written. */
  snapshotTaken?: () => void
  /**
   * `delete()` or `regenerate()` was called.
   * @returns true if a session that was revoked meanwhile may be followed by another, such as a new login.
   */
  ended?: (ended: SessionRecord, successor: Successor) => boolean
  /**
   * An extension has stored that the session with this id has ended, which nobody had ended before.
   * @param ended its id by then: it may have been bound meanwhile.
   */
  endStored?: (id: Buffer, ended: Buffer) => void
  /** The session that was opened is refused, and about to be empty. */
  refused?: (reason: RefusalReason) => void
  /** False if the session may be sent only for what the app does to it. Asked if it is due to be renewed. */
  mayExtend?: () => boolean
  /** Has `listener` hear once that the response or the WebSocket has closed. @returns false if it has closed, null if nobody tells. */
  closed?: (listener: () => void) => boolean | null
  /** Reason for which a session that opened is not valid any more, beside its key and its times. */
  refusal?: (() => RefusalReason | null) | undefined
}

/** Devices of sessions, as far as sessions have to know of them. */
export interface DeviceView {
  /** Reason for which a session that has opened does not count any more, as far as its device is concerned. */
  refusal (state: SessionState): RefusalReason | null
  infoOf (state: SessionState): DeviceInfo
  /**
   * Changes of a session that goes on in another life: the time without a binding counts on, unless the user has just
   * authenticated.
   * @param next as it has begun. @param isProven true if the user has authenticated.
   */
  goOn (before: SessionRecord, next: SessionRecord, isProven: boolean): RecordChanges
  /** Time at which a session ends that is not bound, in milliseconds since 1970; Infinity for one that is. */
  unboundEnd (record: SessionRecord): number
  /** Has this response offer a binding. */
  offer (state: SessionState): void
}

/** Settings that all states of one session of the app share. */
export interface SessionSettings extends Limits {
  keys: KeySource
  /** Reader of the attributes given to `options()`, which corrects and refuses mistakes. */
  readOptions?: (given: CookieSerializeOptions) => CookieSerializeOptions
  /** Hears of an `options({ expiry })` that is longer than `maxExpiry`, which counts instead. Seconds. */
  tooLong?: (expiry: number) => void
  /** Text of the data, by which a change in place is told; default JSON.stringify. */
  stringify?: ((data: Data) => string) | undefined
  /** Signals of the app's sessions. */
  signals?: SessionSignals
  /** Judge of sessions that stay open behind their request; absent without revocation. */
  judge?: SessionJudge
  /** Devices that sessions are bound to; absent without the plugin for it. */
  devices?: DeviceView
  /** Maker of ids; absent if sessions are not told apart. */
  newId?: () => Buffer
}
