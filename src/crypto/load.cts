// Loader of the two builds of libsodium. It is CommonJS in both builds of this package, since only `require`
// loads synchronously a module that may be missing.
//
// The WebAssembly build goes into a bundle: its name is a literal that bundlers see. The addon must not,
// since it finds its binary beside its own files only: it is looked for from the bundle when that runs, with
// a `require` that bundlers do not see through.
import { createRequire } from 'node:module'
import type { SodiumNative } from 'sodium-native'

export type SodiumWasm = typeof import('libsodium-wrappers-sumo')

/** The `require` of a bundle of webpack's, by webpack's name for it. */
declare const __non_webpack_require__: NodeJS.Require | undefined

// The `require` for bundles. That of this file comes last: if a loader such as tsx is in use, Node 20 gives a
// file that an ES module imports a lesser one, with which sodium-native does not find its binary. It is for
// bundles that are ES modules: they have no `__filename`. webpack's may be told to have that of the source.
function bundleRequire (): NodeJS.Require {
  if (typeof __non_webpack_require__ === 'function') return __non_webpack_require__
  return typeof __filename === 'string' ? createRequire(__filename) : require
}

/** The addon; or the reason why it cannot be loaded, such as no binary for the platform. */
export function loadNative (): { addon: SodiumNative } | { error: unknown } {
  try {
    return { addon: bundleRequire()('sodium-native') as SodiumNative }
  } catch (error) {
    return { error }
  }
}

/**
 * The WebAssembly build, which is usable once its `ready` has resolved.
 *
 * Only in a bundle it is `import()` that has it: the ES module has a third of the bytes that the CommonJS
 * file has, which Node reads at each start, and names no `__dirname`, which bundles that are ES modules lack.
 * In all other places `require` has it, which Jest and tsx can do, too. So both copies of this package share
 * it.
 */
export async function loadWasm (): Promise<SodiumWasm> {
  try {
    wasmPath()
  } catch (notFound) {
    const { default: sodium } = await import(/* webpackMode: "eager" */ 'libsodium-wrappers-sumo').catch(() => { throw notFound })
    return sodium
  }
  return bundleRequire()('libsodium-wrappers-sumo') as SodiumWasm
}

/**
 * Path of the WebAssembly build, for a thread to load it.
 * @throws if it has no file of its own, as in a bundle.
 */
export function wasmPath (): string {
  return bundleRequire().resolve('libsodium-wrappers-sumo')
}
