import { readValue } from '../cookies/set-cookie.ts'
import type { Found, Judge } from '../cookies/candidates.ts'
import { type SignatureCheck, unsignedWith } from '../cookies/signature.ts'
import { type BroughtCookies, cookieValues } from '../cookies/read.ts'
import { publishDevice } from '../diagnostics.ts'
import { fail, kindOf } from '../errors.ts'
import type { ExtensibleSession } from '../extension/extensible.ts'
import { hasUser } from '../extension/session-identities.ts'
import type { Warn } from '../messages.ts'
import type { SessionConfig } from '../options/options.ts'
import { isBound } from '../token/codec.ts'
import type { DeviceInfo } from '../types.ts'
import { Devices, infoOf } from './devices.ts'
import { DeviceExtension } from './device-extension.ts'
import { once } from './unproven.ts'
import { assertFormat, type DeviceConfig, readDeviceOptions } from './options.ts'
import { DeviceValues, PROOF_SUFFIX } from './values.ts'

/** Devices of sessions where there is no Fastify: it asks for proofs, and gives none. */
export class CodecDevices {
  readonly #config: SessionConfig
  readonly #settings: DeviceConfig
  readonly #values: DeviceValues

  constructor (config: SessionConfig, settings: DeviceConfig) {
    this.#config = config
    this.#settings = settings
    this.#values = valuesOf(config)
  }

  /**
   * Judge of the sessions of a header; undefined, for a token alone, brings no proof.
   * @param signatures null if the cookies are not signed.
   */
  judgeOf (header: string | undefined, signatures: SignatureCheck | null): Judge {
    return asking(this.#config, this.#settings, this.#values, signatures).judgeOf({ headers: { cookie: header } })
  }

  /** Device of a session that has opened. */
  infoOf ({ record, device }: Found): DeviceInfo {
    return infoOf(isBound(record) && !device?.proof, record.claims, device)
  }

  /** Time at which a session ends that is not bound, in milliseconds since 1970; Infinity for one that is. */
  unboundEnd ({ record }: Found): number {
    return asking(this.#config, this.#settings, this.#values, null).unboundEnd(record)
  }
}

function valuesOf ({ keyring, context }: SessionConfig): DeviceValues {
  return new DeviceValues(keyring, context)
}

/** Devices that ask for the proofs of a header. */
function asking ({ cookieName }: SessionConfig, settings: DeviceConfig, values: DeviceValues, signatures: SignatureCheck | null): Devices {
  const proofsIn = ({ header }: BroughtCookies): { count: number, values: readonly string[] } => {
    const found = cookieValues(header, `${cookieName}.${PROOF_SUFFIX}`, readValue)
    return { count: found.length, values: signatures === null ? found : found.flatMap(value => unsignedWith(signatures, value) ?? []) }
  }
  return new Devices({ ...settings, interval: settings.interval * 1000, values, proofsIn })
}

/**
 * Devices for the option `device` of a codec; null without it.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_DEVICE_FORMAT`, and those of the options of the plugin
 */
export function codecDevices (config: SessionConfig, given: unknown): CodecDevices | null {
  const settings = settingsOf(config, given)
  return settings === null ? null : new CodecDevices(config, settings)
}

/**
 * Has web sessions open that are bound to a device, beside its proof, and keeps others from taking their place.
 * @throws as `codecDevices` does
 */
export function addDevices (session: ExtensibleSession, given: unknown, signatures: SignatureCheck, warn: Warn): void {
  const { config, sessionName } = session
  const settings = settingsOf(config, given)
  if (settings === null) return
  const devices = asking(config, settings, valuesOf(config), config.cookie.signed === true ? signatures : null)
  session.useDevices(devices)
  session.extend(new DeviceExtension({
    devices,
    isOff: settings.policy === 'off',
    unproven: ({ origin }) => {
      const skipped = origin?.device?.skipped ?? null
      publishDevice({ sessionName, event: skipped === null ? 'unproven' : 'skipped', reason: skipped, algorithm: null })
    },
    hasUser: state => hasUser(session.identities, state),
    ignored: once(() => { warn('FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN', sessionName) })
  }))
}

function settingsOf (config: SessionConfig, given: unknown): DeviceConfig | null {
  if (given === undefined || given === false) return null
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (given !== true && !isObject) throw fail('OPTION_INVALID', ['device', 'true, or the options of deviceBinding', kindOf(given)])
  assertFormat(config)
  return readDeviceOptions(given === true ? {} : given)
}
