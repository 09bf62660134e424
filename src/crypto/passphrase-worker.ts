import { Worker } from 'node:worker_threads'
import { wasmPath } from './load.cts'

/** What runs in the thread. Text, since a file of its own would have to be found by every bundler. */
const SOURCE = `
const { parentPort, workerData: { library, passphrase, salt } } = require('node:worker_threads')
const sodium = require(library)
sodium.ready.then(() => {
  const { crypto_pwhash_OPSLIMIT_MODERATE: passes, crypto_pwhash_MEMLIMIT_MODERATE: bytes, crypto_pwhash_ALG_DEFAULT: algorithm } = sodium
  parentPort.postMessage(sodium.crypto_pwhash(32, passphrase, salt, passes, bytes, algorithm))
})
`

/**
 * Derives a key from a passphrase with the WebAssembly build of libsodium. That takes a second or
 * more of the thread it runs on: one of its own, so that it is not the app's.
 */
export async function derivePassphraseKeyInWorker (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  return await new Promise<Buffer>((resolve, reject) => {
    const worker = new Worker(SOURCE, { eval: true, workerData: { library: wasmPath(), passphrase, salt } })
    worker.once('message', (key: Uint8Array) => { resolve(Buffer.from(key)) })
    worker.once('error', reject)
  })
}
