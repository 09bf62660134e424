import { sealedSessionError } from '../errors.ts'
import type { SodiumLibrary } from './library.ts'
import { loadNative, loadWasm } from './load.cts'
import { NativeSodium } from './native.ts'
import { WasmSodium } from './wasm.ts'

// Which build of libsodium this process uses: the addon, or where it cannot be loaded the
// WebAssembly one. The environment variable FASTIFY_SEALED_SESSION_SODIUM, `native` or `wasm`,
// decides instead; tests and benchmarks use it.

const forced = process.env.FASTIFY_SEALED_SESSION_SODIUM

const native = forced === 'wasm' ? new Error('FASTIFY_SEALED_SESSION_SODIUM says "wasm"') : loadNative()

let library: SodiumLibrary | null = native instanceof Error ? null : new NativeSodium(native)
let loading: Promise<void> | null = null

/**
 * Waits until libsodium can be used: at once with the addon.
 * @throws `FST_SEALED_SESSION_SODIUM_MISSING` where neither build can be loaded.
 */
export async function sodiumReady (): Promise<void> {
  if (library !== null) return
  loading ??= useWasm()
  await loading
}

async function useWasm (): Promise<void> {
  if (forced === 'native') throw sealedSessionError('FST_SEALED_SESSION_SODIUM_MISSING', [(native as Error).message])
  try {
    const sodium = loadWasm()
    await sodium.ready
    library = new WasmSodium(sodium)
  } catch (error) {
    throw sealedSessionError('FST_SEALED_SESSION_SODIUM_MISSING', [(error as Error).message])
  }
}

// Begun early, so that what cannot wait, such as `new Keyring()`, has a library as soon as may be.
// Who needs it asks sodiumReady(), and hears of a failure there.
if (library === null) sodiumReady().catch(() => {})

/** Whether libsodium can be used without waiting. */
export function isSodiumReady (): boolean {
  return library !== null
}

/** Why the WebAssembly build is used in place of the addon, or null where it is not. */
export function fallbackReason (): string | null {
  return library?.name === 'wasm' ? (native as Error).message : null
}

/**
 * The build in use.
 * @throws `FST_SEALED_SESSION_SODIUM_NOT_READY` while the WebAssembly build is being loaded.
 */
export function sodium (): SodiumLibrary {
  if (library === null) throw sealedSessionError('FST_SEALED_SESSION_SODIUM_NOT_READY')
  return library
}
