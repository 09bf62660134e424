// Loaded before each test file where the tests run on WebAssembly: see scripts/test.js.
import { sodiumReady } from '../../src/crypto/sodium.ts'

await sodiumReady()
