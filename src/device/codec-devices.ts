import { readValue } from '../cookies/set-cookie.ts'
import type { Found, Judge } from '../cookies/candidates.ts'
import { type SignatureCheck, unsignedWith } from '../cookies/signature.ts'
import { type BroughtCookies, cookieValues } from '../cookies/read.ts'
import { fail, kindOf } from '../errors.ts'
import type { SessionConfig } from '../options/options.ts'
import { isBound } from '../token/codec.ts'
import type { DeviceInfo } from '../types.ts'
import { Devices, infoOf } from './devices.ts'
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

/** Devices for the option `device` of web sessions; null without it. @throws as `codecDevices` does */
export function webDevices (config: SessionConfig, given: unknown, signatures: SignatureCheck | null): { devices: Devices, isOff: boolean } | null {
  const settings = settingsOf(config, given)
  return settings === null ? null : { devices: asking(config, settings, valuesOf(config), signatures), isOff: settings.policy === 'off' }
}

function settingsOf (config: SessionConfig, given: unknown): DeviceConfig | null {
  if (given === undefined || given === false) return null
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (given !== true && !isObject) throw fail('OPTION_INVALID', ['device', 'true, or the options of deviceBinding', kindOf(given)])
  assertFormat(config)
  return readDeviceOptions(given === true ? {} : given)
}
