// Draws nonces in a process or thread of its own and sends them to whoever started it.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { sodiumReady } from '../../src/crypto/sodium.ts'
import { drawn } from './nonces-drawn.ts'

await sodiumReady()

if (isMainThread) process.send!(drawn(Number(process.argv[2]))) // started with fork(), so there is a channel
else parentPort!.postMessage(drawn(workerData as number)) // a thread has one as well
