import { sealedSessionError } from '../errors.ts'
import type { SodiumLibrary } from './library.ts'
import { loadNative, loadWasm } from './load.cts'
import { NativeSodium } from './native.ts'
import { reasonOf } from './reason.ts'
import { WasmSodium, fillRandomWithout } from './wasm.ts'

// Which build of libsodium this process uses: the addon, or where it cannot be loaded the
// WebAssembly one. The environment variable FASTIFY_SEALED_SESSION_SODIUM, `native` or `wasm`,
// decides instead; tests and benchmarks use it.

const VARIABLE = 'FASTIFY_SEALED_SESSION_SODIUM'

// An empty variable is one that is not set.
const forced = process.env[VARIABLE] || undefined

let library: SodiumLibrary | null = null
let loading: Promise<void> | null = null
let failure: Error | null = null

/** Why the addon is not in use. */
let reason: string | null = null

useNative()
// Begun early, so that what cannot wait, such as `keyring.ids`, has a library as soon as may be.
// Who needs it asks sodiumReady(), and hears of a failure there.
if (library === null) sodiumReady().catch(() => {})

function useNative (): void {
  const loaded = forced === undefined || forced === 'native' ? loadNative() : { error: new Error(`${VARIABLE} is "wasm"`) }
  if ('addon' in loaded) library = new NativeSodium(loaded.addon)
  else reason = reasonOf(loaded.error)
}

/**
 * Waits until libsodium can be used: at once with the addon.
 * @throws `FST_SEALED_SESSION_SODIUM_MISSING` where the build that is forced, or neither, can be loaded.
 */
export async function sodiumReady (): Promise<void> {
  if (library !== null) return
  loading ??= useWasm()
  await loading
}

async function useWasm (): Promise<void> {
  try {
    if (forced === undefined || forced === 'wasm') library = await loadedWasm()
    else failure = missing(forced === 'native' ? `${reason}, and ${VARIABLE} allows nothing else` : `${VARIABLE} must be "native" or "wasm"`)
  } catch (error) {
    failure = missing(`${reason}; ${reasonOf(error)}`)
  }
  if (failure !== null) throw failure
}

async function loadedWasm (): Promise<SodiumLibrary> {
  // libsodium would leave a rejected promise that nobody awaits, which ends the process with words of its own.
  if (!('WebAssembly' in globalThis)) throw new Error('this process has no WebAssembly')
  const sodium = await loadWasm()
  await sodium.ready
  return new WasmSodium(sodium)
}

function missing (why: string): Error {
  return sealedSessionError('FST_SEALED_SESSION_SODIUM_MISSING', [why])
}

/** Whether libsodium can be used without waiting. */
export function isSodiumReady (): boolean {
  return library !== null
}

/** Why the WebAssembly build is used in place of the addon, or null where it is not. */
export function fallbackReason (): string | null {
  return library?.name === 'wasm' ? reason : null
}

/**
 * The build in use.
 * @throws `FST_SEALED_SESSION_SODIUM_NOT_READY` while the WebAssembly build is being loaded, and
 * `FST_SEALED_SESSION_SODIUM_MISSING` once it could not be.
 */
export function sodium (): SodiumLibrary {
  if (library === null) throw failure ?? sealedSessionError('FST_SEALED_SESSION_SODIUM_NOT_READY')
  return library
}

/**
 * Fills a buffer with random bytes, also while the WebAssembly build is being loaded: a key that is
 * made in the first lines of a program must not depend on the platform.
 * @throws `FST_SEALED_SESSION_SODIUM_MISSING` once no build could be loaded.
 */
export function fillRandom (buffer: Uint8Array): void {
  if (library === null && failure === null) fillRandomWithout(buffer)
  else sodium().fillRandom(buffer)
}
