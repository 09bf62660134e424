import { fail } from '../errors.ts'
import { DEVICE, type SessionExtension } from '../http/extension.ts'
import type { SessionState } from '../session/session.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'
import type { Devices } from './devices.ts'

export interface DeviceExtensionOptions {
  devices: Devices
  isOff: boolean
  /** Hears that the app has used a session that came without a proof; once a request. */
  unproven: (state: SessionState) => void
  /** Hears that the app has written to one. */
  ignored: () => void
}

/** Keeps sessions that came without the proof of their device from being used, and from being written over. */
export class DeviceExtension implements SessionExtension {
  readonly name = DEVICE
  readonly #options: DeviceExtensionOptions
  readonly #told = new WeakSet<SessionState>()
  readonly #binding = new WeakMap<SessionState, () => Promise<void>>()

  constructor (options: DeviceExtensionOptions) {
    this.#options = options
  }

  used (state: SessionState): void {
    if (!isRefused(state) || this.#told.has(state)) return
    this.#told.add(state)
    this.#options.unproven(state)
  }

  assignable (state: SessionState): void {
    if (!this.#options.isOff && this.#options.devices.isIgnored(state)) throw fail('DEVICE_UNPROVEN')
  }

  /** An anonymous cart must not take the place of a login that only waits for its proof. `regenerate()` and `delete()` do. */
  sealing (state: SessionState, isDue: boolean): true | RefusalReason {
    if (!isDue || !isRefused(state)) return true
    this.#options.ignored()
    return 'device-unproven'
  }

  /**
   * Has a session that is about to be bound wait for the end of what it was, when its cookie is on the response and before
   * others hear of it: if that fails, the cookie is taken back, and nothing has happened.
   */
  whenSealed (state: SessionState, end: () => Promise<void>): void {
    this.#binding.set(state, end)
  }

  sealed (state: SessionState, _record: SessionRecord): void | Promise<void> {
    const end = this.#binding.get(state)
    this.#binding.delete(state)
    return end?.()
  }
}

function isRefused ({ origin }: SessionState): boolean {
  return origin?.ok === false && origin.reason === 'device-unproven'
}
