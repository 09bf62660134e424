// Loads the two builds of libsodium. CommonJS in both builds of this package, since only `require`
// loads at once what may be missing.
import { createRequire } from 'node:module'
import type { SodiumNative } from 'sodium-native'

export type SodiumWasm = typeof import('libsodium-wrappers-sumo')

// Not the `require` of this file: where a loader such as tsx is in use, Node 20 gives a file that an
// ES module imports a lesser one, with which sodium-native does not find its binary.
const load = createRequire(__filename)

/** The addon; or why it cannot be loaded, as where there is no binary for the platform. */
export function loadNative (): SodiumNative | Error {
  try {
    return load('sodium-native') as SodiumNative
  } catch (error) {
    return error as Error
  }
}

/** The WebAssembly build, which is usable once its `ready` has resolved. */
export function loadWasm (): SodiumWasm {
  return load('libsodium-wrappers-sumo') as SodiumWasm
}

/** Where the WebAssembly build is, for a thread to load it. */
export function wasmPath (): string {
  return load.resolve('libsodium-wrappers-sumo')
}
