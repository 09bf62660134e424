import { fail } from '../errors.ts'
import { fillRandomWithout, NativeSodium, reasonOf, WasmSodium } from './builds.ts'
import type { SodiumLibrary } from './library.ts'
import { loadNative, loadWasm } from './load.cts'

// Choice of the build of libsodium for this process: the addon, or the WebAssembly build if the addon cannot
// be loaded. The environment variable FASTIFY_SEALED_SESSION_SODIUM, `native` or `wasm`, decides instead;
// tests and benchmarks use it.

const VARIABLE = 'FASTIFY_SEALED_SESSION_SODIUM'

// An empty variable is one that is not set.
const forced = process.env[VARIABLE] || undefined

let library: SodiumLibrary | null = null
let loading: Promise<void> | null = null
let failure: Error | null = null

/** Reason why the addon is not in use. */
let reason: string | null = null

useNative()
// Begun early, so that code that cannot wait, such as `keyring.ids`, has a library as soon as may be. Code
// that needs it asks sodiumReady(), and hears of a failure there.
if (library === null) sodiumReady().catch(() => {})

function useNative (): void {
  const loaded = forced === undefined || forced === 'native' ? loadNative() : { error: new Error(`${VARIABLE} is "wasm"`) }
  if ('addon' in loaded) library = new NativeSodium(loaded.addon)
  else reason = reasonOf(loaded.error)
}

/**
 * Waits until libsodium can be used: at once with the addon.
 * @throws `FST_SEALED_SESSION_SODIUM_MISSING` if the build that is forced, or both builds, cannot be loaded.
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
  return fail('SODIUM_MISSING', [why])
}

/** True if libsodium can be used without waiting. */
export function isSodiumReady (): boolean {
  return library !== null
}

/** Reason why the WebAssembly build is used in place of the addon; null if the addon is in use. */
export function fallbackReason (): string | null {
  return library?.name === 'wasm' ? reason : null
}

/**
 * The build in use.
 * @throws `FST_SEALED_SESSION_SODIUM_NOT_READY` while the WebAssembly build is being loaded, and
 * `FST_SEALED_SESSION_SODIUM_MISSING` after it could not be loaded.
 */
export function sodium (): SodiumLibrary {
  if (library === null) throw failure ?? fail('SODIUM_NOT_READY')
  return library
}

/**
 * Fills a buffer with random bytes, also while the WebAssembly build is being loaded: a key that is made in
 * the first lines of a program must not depend on the platform.
 * @throws `FST_SEALED_SESSION_SODIUM_MISSING` after no build could be loaded.
 */
export function fillRandom (buffer: Uint8Array): void {
  if (library === null && failure === null) fillRandomWithout(buffer)
  else sodium().fillRandom(buffer)
}
