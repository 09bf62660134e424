import { fail } from '../errors.ts'
import { wasmPath } from './load.cts'

/**
 * Source of the thread, as text, since a file of its own would have to be found by every bundler. An error is
 * thrown where it ends the thread, whatever `--unhandled-rejections` says.
 */
const SOURCE = `
const { parentPort, workerData: { library, passphrase, salt } } = require('node:worker_threads')
const sodium = require(library)
const derive = () => {
  const { crypto_pwhash_OPSLIMIT_MODERATE: passes, crypto_pwhash_MEMLIMIT_MODERATE: bytes, crypto_pwhash_ALG_DEFAULT: algorithm } = sodium
  parentPort.postMessage(sodium.crypto_pwhash(32, passphrase, salt, passes, bytes, algorithm))
}
sodium.ready.then(derive).catch(error => { setImmediate(() => { throw error }) })
`

const ADVICE = 'In a bundle, a thread does not see what is in the bundle: put one of the two packages in "node_modules" beside it, or give a "key" in place of a passphrase.'

/**
 * Derives a key from a passphrase with the WebAssembly build of libsodium. That takes a second or more of the
 * thread it runs on: one of its own, so that it is not the app's.
 * @throws the error that ended the thread, such as too little memory, and `FST_SEALED_SESSION_SODIUM_MISSING`
 * in a bundle that has no file of the library beside it. On this thread it could be derived there, but would
 * hold up the app, and keep 256 MiB for good.
 */
export async function derivePassphraseKeyInWorker (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  const library = libraryPath()
  const { Worker } = await import('node:worker_threads') // few apps need it
  return await new Promise<Buffer>((resolve, reject) => {
    // Copies: a small buffer is part of a larger one, all of which would go to the thread. The thread gets
    // none of the options of this process, which may load code that has no place in it.
    const workerData = { library, passphrase: Uint8Array.from(passphrase), salt: Uint8Array.from(salt) }
    const worker = new Worker(SOURCE, { eval: true, workerData, execArgv: [] })
    worker.once('message', (key: Uint8Array) => { resolve(Buffer.from(key)) })
    worker.once('error', reject)
    // Has no effect after either of the two.
    worker.once('exit', code => { reject(new Error(`the thread that derives a key from a passphrase ended with code ${code}`)) })
  })
}

function libraryPath (): string {
  try {
    return wasmPath()
  } catch {
    throw fail('SODIUM_MISSING', ['the thread that derives a key from a passphrase finds no "libsodium-wrappers-sumo"'], { detail: ADVICE })
  }
}
