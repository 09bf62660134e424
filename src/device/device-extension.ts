import { fail } from '../errors.ts'
import type { SessionState } from '../session/session.ts'
import type { SessionRecord } from '../token/record.ts'
import type { Devices } from './devices.ts'
import { type UnprovenOptions, UnprovenSessions } from './unproven.ts'

export interface DeviceExtensionOptions extends UnprovenOptions {
  devices: Devices
  isOff: boolean
}

/** Keeps sessions that came without the proof of their device from being used, and from being written over. */
export class DeviceExtension extends UnprovenSessions {
  readonly #options: DeviceExtensionOptions
  readonly #binding = new WeakMap<SessionState, () => Promise<void>>()

  constructor (options: DeviceExtensionOptions) {
    super(options)
    this.#options = options
  }

  assignable (state: SessionState): void {
    if (!this.#options.isOff && this.#options.devices.isIgnored(state)) throw fail('DEVICE_UNPROVEN')
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
