import { readValue } from '../cookies/set-cookie.ts'
import type { Found, Judge } from '../cookies/candidates.ts'
import { type SignatureCheck, unsignedWith } from '../cookies/signature.ts'
import { cookieValues } from '../cookies/read.ts'
import { fail, kindOf } from '../errors.ts'
import type { SessionConfig } from '../options/options.ts'
import { isBound } from '../token/codec.ts'
import type { DeviceInfo } from '../types.ts'
import { Devices, infoOf } from './devices.ts'
import { assertFormat, type DeviceConfig, readDeviceOptions } from './options.ts'
import { DeviceValues, PROOF_SUFFIX } from './values.ts'

/** Devices of sessions where there is no Fastify: it asks for proofs, and gives none. */
export class CodecDevices {
  readonly #values: DeviceValues
  readonly #settings: DeviceConfig
  readonly #name: string

  constructor ({ keyring, context, cookieName }: SessionConfig, settings: DeviceConfig) {
    this.#values = new DeviceValues(keyring, context)
    this.#settings = settings
    this.#name = `${cookieName}.${PROOF_SUFFIX}`
  }

  /**
   * Judge of the sessions of a header; undefined, for a token alone, brings no proof.
   * @param signatures null if the cookies are not signed.
   */
  judgeOf (header: string | undefined, signatures: SignatureCheck | null): Judge {
    return this.#devices(header, signatures).judgeOf({ headers: { cookie: header } })
  }

  /** Device of a session that has opened. */
  infoOf ({ record, device }: Found): DeviceInfo {
    return infoOf(isBound(record) && !device?.proof, record.claims, device)
  }

  /** Time at which a session ends that is not bound, in milliseconds since 1970; Infinity for one that is. */
  unboundEnd ({ record }: Found): number {
    return this.#devices(undefined, null).unboundEnd(record)
  }

  #devices (header: string | undefined, signatures: SignatureCheck | null): Devices {
    const proofsIn = (): { count: number, values: readonly string[] } => {
      const found = cookieValues(header, this.#name, readValue)
      return { count: found.length, values: signatures === null ? found : found.flatMap(value => unsignedWith(signatures, value) ?? []) }
    }
    return new Devices({ ...this.#settings, interval: this.#settings.interval * 1000, values: this.#values, proofsIn })
  }
}

/**
 * Devices for the option `device` of a codec; null without it.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_DEVICE_FORMAT`, and those of the options of the plugin
 */
export function codecDevices (config: SessionConfig, given: unknown): CodecDevices | null {
  if (given === undefined || given === false) return null
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (given !== true && !isObject) throw fail('OPTION_INVALID', ['device', 'true, or the options of deviceBinding', kindOf(given)])
  assertFormat(config)
  return new CodecDevices(config, readDeviceOptions(given === true ? {} : given))
}
