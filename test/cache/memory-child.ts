// Memory that caches take, and what is in it: run with --expose-gc by memory.test.ts, which reads the figures.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { getHeapSnapshot } from 'node:v8'
import { createSessionCodec, generateKey, Keyring, type SessionCodec } from '../../src/index.ts'
import { newApp } from '../support/app.ts'

const MAX_BYTES = 2 ** 20
const key = generateKey()

/** Bytes of the heap that are in use. */
async function used (): Promise<number> {
  for (let time = 0; time < 4; time++) {
    globalThis.gc!()
    await wait(1)
  }
  return process.memoryUsage().heapUsed
}

const codecOf = async (options: object = {}): Promise<SessionCodec> => await createSessionCodec({ key, cache: { maxBytes: MAX_BYTES, maxAge: 600 }, ...options } as never)

/** Tokens outside of the heap: text would be counted. */
function tokensOf (codec: SessionCodec, count: number, data: (n: number) => object): Buffer[] {
  return Array.from({ length: count }, (_, n) => Buffer.from(encodeURIComponent(codec.seal(data(n) as never))))
}

/** Has tokens come twice, which puts them into the cache. */
function open (codec: SessionCodec, tokens: readonly Buffer[], rest = ''): void {
  for (const token of tokens) {
    for (let time = 0; time < 2; time++) {
      if (codec.openCookies(`a=${rest}; session=${token.toString()}; b=${rest}`)?.ok !== true) throw new Error('it does not open')
    }
  }
}

const SESSIONS = {
  small: (n: number) => ({ n }),
  ordinary: (n: number) => ({ userId: `a3f1c2d4-0000-4000-8000-${n}`, email: 'jane.doe@example.com', role: 'admin', cart: [17, n] }),
  'of two bytes a character': (n: number) => ({ name: '漢字'.repeat(40), n }),
  large: (n: number) => ({ text: `${n}`.repeat(400).slice(0, 1500) })
}

/** Bytes that a full cache takes, as a share of the limit. */
async function sizes (): Promise<Record<string, number>> {
  const shares: Record<string, number> = {}
  for (const format of ['sealed', 'secretbox']) {
    for (const [name, data] of Object.entries(SESSIONS)) {
      const codec = await codecOf({ format })
      const tokens = tokensOf(await codecOf({ format, cache: false }), 6000, data)
      open(await codecOf({ format }), tokens.slice(0, 500)) // what is compiled on the way
      const before = await used()
      open(codec, tokens)
      shares[`${format}, ${name}`] = (await used() - before) / MAX_BYTES
      codec.open('')
    }
  }
  return shares
}

/** Bytes that an entry takes whose token came in a header of 16 KB. */
async function header (): Promise<number> {
  const codec = await codecOf()
  const tokens = tokensOf(codec, 800, SESSIONS.ordinary)
  const other = 'x'.repeat(8000)
  open(await codecOf(), tokens, other)
  const before = await used()
  for (const [n, token] of tokens.entries()) open(codec, [token], `${n}${other}`)
  const after = await used()
  codec.open('')
  return (after - before) / tokens.length
}

/** True for each of the markers that is in a text of the heap. */
async function inHeap (markers: Record<string, Buffer>): Promise<Record<string, boolean>> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk as Uint8Array))
  const snapshot = Buffer.concat(chunks)
  return Object.fromEntries(Object.entries(markers).map(([name, marker]) => [name, snapshot.includes(marker)]))
}

const CASES = ['stays', 'rotate', 'retire', 'failed', 'closed keyring', 'closed app', 'idle'] as const

/** Contents of sessions in the heap: while they are in caches, and after each cache was dropped in another way. */
async function contents (): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'cache-'))
  const file = join(folder, 'keys')
  writeFileSync(file, `${key.toString('hex')}\n`, { mode: 0o600 })
  const watched = { watch: true, watchInterval: 0.01, activateAfter: 0 }
  const keyrings = { rotate: new Keyring(key), retire: new Keyring([key, generateKey()]), failed: await Keyring.fromFile(file, watched), 'closed keyring': await Keyring.fromFile(file, watched) }
  const app = newApp({ session: { key, cache: true }, routes: {} })
  await app.ready()
  const markers: Record<string, Buffer> = {}
  const codecs: SessionCodec[] = []
  for (const name of CASES) {
    const marker = Buffer.from(randomBytes(24).toString('hex'))
    markers[name] = marker
    const codec = await codecOf({ key: keyrings[name as keyof typeof keyrings] ?? key, ...(name === 'idle' && { cache: { maxAge: 3 } }) })
    codecs.push(codec)
    const sealed = Buffer.from(codec.seal({ marker: marker.toString() } as never))
    for (let time = 0; time < 3; time++) {
      if (name === 'closed app') app.decodeSecureSession(sealed.toString())
      else codec.open(sealed.toString())
    }
  }
  const before = await inHeap(markers)
  const failures: Error[] = []
  process.once('warning', warning => { failures.push(warning) })
  keyrings.rotate.rotate(generateKey())
  keyrings.retire.retire(keyrings.retire.ids[1]!)
  keyrings['closed keyring'].close()
  await app.close()
  writeFileSync(file, 'garbage')
  await wait(3500)
  while (failures.length === 0) await wait(20)
  const after = await inHeap(markers)
  for (const codec of codecs) codec.open('')
  keyrings.failed.close()
  rmSync(folder, { recursive: true })
  return { before, after }
}

const figures = { sizes, header, contents }[process.argv[2] as 'sizes' | 'header' | 'contents']
process.stdout.write(JSON.stringify(await figures()))
