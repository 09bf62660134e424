// libsodium as WebAssembly where the addon cannot be loaded: the packed package in processes of its
// own, with the addon really missing or unusable, or with one of the two builds forced.
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rowOf } from '../support/errors.ts'
import type { LogLine } from '../support/helpers.ts'
import { installations, type Installation, type Outcome } from './installed.ts'

type Tokens = Record<'secretbox' | 'sealed' | 'passphrase', string>

/** The tokens without the one whose key takes long to derive. */
function quick <Value> ({ secretbox, sealed }: Record<keyof Tokens, Value>): Partial<Record<keyof Tokens, Value>> {
  return { secretbox, sealed }
}

/** What fixtures/use.cjs writes. */
interface Use {
  codes: Array<string | null>
  warnings: LogLine[]
  values: string[]
  turns: number
  opened: Record<string, unknown>
  tokens: Tokens
  ids: string[]
  rotated: number
  key: number
}

/** What fixtures/errors.cjs writes of each error. */
interface Seen {
  code: string
  statusCode: number
  hint: string
  message: string
  isTypeError: boolean
  shown: string
}

const NOT_READY = 'FST_SEALED_SESSION_SODIUM_NOT_READY'
const MISSING = 'FST_SEALED_SESSION_SODIUM_MISSING'
const VARIANTS = ['complete', 'no-addon', 'no-binary', 'broken-binary', 'no-wasm', 'neither', 'copied-wasm'] as const

let root: string
let of: Record<typeof VARIANTS[number], Installation>
/** With the addon: what all others must agree with. */
let native: Use

before(async () => {
  ({ root, of } = await installations(VARIANTS))
  native = await of.complete.json<Use>(['cjs.cjs'])
})

after(async () => await rm(root, { recursive: true }))

describe('where the addon can be loaded', () => {
  it('it is used at once, and nothing is logged', () => {
    assert.deepEqual(native.codes, [null, null, null])
    assert.deepEqual(native.warnings, [])
    assert.deepEqual(native.values, ['42', '42', '42'])
  })

  it('the WebAssembly build need not be there', async () => {
    const { warnings, opened } = await of['no-wasm'].json<Use>(['esm.mjs'], { input: { tokens: quick(native.tokens) } })
    assert.deepEqual(warnings, [])
    assert.deepEqual(opened, quick(OPENED))
  })
})

/** What use.cjs seals into each of its tokens. */
const OPENED: Record<keyof Tokens, object> = { passphrase: { name: 'passphrase' }, secretbox: { name: 'secretbox' }, sealed: { name: 'sealed' } }

interface Case {
  title: string
  variant: typeof VARIANTS[number]
  args: string[]
  sodium?: string
  reason: RegExp
  /** Whether a passphrase is tried as well, which takes long. */
  passphrase?: boolean
}

// Node's permission model lets no addon be loaded unless it is told to. Its name was another before
// Node 23.5; and newer Nodes warn of --allow-worker.
const PERMISSION = [process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission', '--no-warnings']

const CASES: Case[] = [
  { title: 'is not installed', variant: 'no-addon', args: ['cjs.cjs'], passphrase: true, reason: /Cannot find module 'sodium-native'/ },
  { title: 'is not installed, for an ES module', variant: 'no-addon', args: ['esm.mjs'], reason: /Cannot find module 'sodium-native'/ },
  { title: 'has no binary for the platform', variant: 'no-binary', args: ['cjs.cjs'], reason: new RegExp(`it has no binary for ${process.platform}-${process.arch}`) },
  { title: 'has a binary that cannot be loaded', variant: 'broken-binary', args: ['esm.mjs'], passphrase: true, reason: /sodium-native\.node/ },
  { title: 'is not allowed by --no-addons', variant: 'complete', args: ['--no-addons', 'cjs.cjs'], reason: /addons is disabled/ },
  { title: "is not allowed by Node's permission model", variant: 'complete', args: [...PERMISSION, '--allow-fs-read=*', '--allow-worker', 'cjs.cjs'], passphrase: true, reason: /addons is disabled/ },
  { title: 'is not to be used', variant: 'complete', args: ['esm.mjs'], sodium: 'wasm', reason: /FASTIFY_SEALED_SESSION_SODIUM is "wasm"/ }
]

for (const { title, variant, args, sodium = '', reason, passphrase = false } of CASES) {
  describe(`where the addon ${title}`, () => {
    let used: Use

    before(async () => {
      const tokens = passphrase ? native.tokens : quick(native.tokens)
      used = await of[variant].json<Use>(args, { sodium, input: { tokens } })
    })

    it('sessions work in every context of an app, in both formats', () => {
      assert.deepEqual(used.values, ['42', '42', '42'])
    })

    it('the log says so in one line, once an app, with the reason', () => {
      assert.deepEqual(used.warnings.map(({ level, code }) => [level, code]), [[40, 'FST_SEALED_SESSION_WARN_WASM']])
      const [{ msg }] = used.warnings as [LogLine]
      assert.match(msg, reason)
      assert.match(msg, /^libsodium runs as WebAssembly in place of the addon "sodium-native" \([^\n]+\)\. Your tokens are the same, but take longer\.$/)
    })

    it('tokens that were sealed with the addon are opened, and the reverse', async () => {
      assert.deepEqual(used.opened, passphrase ? OPENED : quick(OPENED))
      const { opened } = await of.complete.json<Use>(['cjs.cjs'], { input: { tokens: quick(used.tokens) } })
      assert.deepEqual(opened, quick(OPENED))
    })

    it('keys have the same ids, and can be generated and rotated', () => {
      assert.deepEqual(used.ids, native.ids)
      assert.deepEqual([used.rotated, used.key], [2, 32])
    })

    if (passphrase) {
      it('the event loop turns while a key is derived from a passphrase', () => {
        assert.ok(used.turns > 10, `it turned ${used.turns} times`)
      })
    }

    it('a keyring can be made in the turn of the import, and what needs libsodium then says that it is not ready', () => {
      assert.deepEqual(used.codes, [null, null, NOT_READY])
    })
  })
}

describe('the ES module and the CommonJS module in one app', () => {
  it('say in one line, too, that WebAssembly is in use', async () => {
    const lines = await of['no-addon'].json<LogLine[]>(['both.cjs'])
    assert.deepEqual(lines.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_WASM'])
  })
})

describe('the command without the addon', () => {
  const genkey = join('node_modules', 'fastify-sealed-session', 'genkey.js')

  it('creates keys, and writes nothing about it to stderr', async () => {
    const outcomes = [await of['no-addon'].node([genkey, 'keygen', '--hex']), await of['no-addon'].node([genkey, '--hex'])]
    for (const { code, stdout, stderr } of outcomes) {
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^[0-9a-f]{64}\n$/)
    }
    assert.notEqual(outcomes[0]!.stdout, outcomes[1]!.stdout)
  })

  it('says its version, whatever is missing', async () => {
    for (const variant of ['no-addon', 'neither'] as const) {
      const { code, stdout, stderr } = await of[variant].node([genkey, '--version'])
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
    }
  })

  it('fails with a message where neither build is there', async () => {
    const { code, stdout, stderr } = await of.neither.node([genkey, 'keygen'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^fastify-sealed-session: libsodium cannot be loaded: .+\nInstall the package again .+\n$/)
  })
})

describe('where no build can be loaded', () => {
  const FAILURES: Array<{ title: string, variant: typeof VARIANTS[number], sodium: string, message: RegExp }> = [
    { title: 'since both are missing', variant: 'neither', sodium: '', message: /Cannot find module 'sodium-native'; Cannot find module 'libsodium-wrappers-sumo'$/ },
    { title: 'since the one that is forced is missing: wasm', variant: 'no-wasm', sodium: 'wasm', message: /"wasm"; Cannot find module 'libsodium-wrappers-sumo'$/ },
    { title: 'since the one that is forced is missing: native', variant: 'no-addon', sodium: 'native', message: /Cannot find module 'sodium-native', and FASTIFY_SEALED_SESSION_SODIUM allows nothing else$/ },
    { title: 'since none of this name is known', variant: 'complete', sodium: 'WASM', message: /FASTIFY_SEALED_SESSION_SODIUM must be "native" or "wasm"$/ }
  ]

  for (const { title, variant, sodium, message } of FAILURES) {
    it(`to import the package is no error, and to use it is a complete one that tells nothing of the key: ${title}`, async () => {
      const { atOnce, ids, ...rest } = await of[variant].json<Record<string, Seen>>(['errors.cjs'], { sodium })
      assert.ok(ids?.code === NOT_READY || ids?.code === MISSING, ids?.code)
      assert.ok(atOnce === null || atOnce?.code === MISSING, atOnce?.code)
      assert.deepEqual(Object.keys(rest), ['ready', 'codec', 'file', 'later'])
      for (const seen of Object.values(rest)) {
        assertComplete(seen, MISSING)
        assert.match(seen.message, /^libsodium cannot be loaded: [^\n]+$/)
        assert.match(seen.message, message)
      }
    })
  }

  it('a process that only imports the package ends as if nothing were wrong', async () => {
    const program = 'require("fastify-sealed-session"); setTimeout(() => {}, 100)'
    for (const mode of ['strict', 'throw', 'warn']) {
      const outcome = await of.neither.node([`--unhandled-rejections=${mode}`, '-e', program])
      assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' } satisfies Outcome, mode)
    }
  })
})

describe('what needs libsodium in the turn of the import', () => {
  it('throws a complete error that says what to await', async () => {
    const { atOnce, ids, ready } = await of.complete.json<Record<string, Seen | null>>(['errors.cjs'], { sodium: 'wasm' })
    const seen = ids ?? assert.fail('ids were there')
    assertComplete(seen, NOT_READY)
    assert.match(seen.hint, /app\.ready\(\)/)
    assert.equal(atOnce, null, 'a key can be generated')
    assert.equal(ready, null)
  })
})

/** An error as the table has it. */
function assertComplete (seen: Seen, code: typeof NOT_READY | typeof MISSING): void {
  assert.equal(seen.code, code)
  assert.equal(seen.statusCode, 500)
  assert.equal(seen.isTypeError, true)
  assert.equal(seen.hint, rowOf(code)[1])
  assert.doesNotMatch(seen.message, /%s|undefined|\[object/)
  assert.doesNotMatch(seen.shown, /canary|63616e617279|Y2FuYXJ5/)
}

describe('a derivation in a thread that fails', () => {
  const LIBRARIES: Array<[title: string, library: string, message: string | RegExp]> = [
    ['throws', 'throw new Error("no memory")', 'no memory'],
    ['cannot load the library', 'exports.ready = Promise.reject(new Error("no memory"))', 'no memory'],
    ['cannot derive', 'exports.ready = Promise.resolve(); exports.crypto_pwhash = () => { throw new Error("no memory") }', 'no memory'],
    ['ends', 'process.exit(3)', 'the thread that derives a key from a passphrase ended with code 3'],
    ['is out of memory', 'const all = []; for (;;) all.push(new Array(1e6).fill(0).map(String))', /out of memory|memory limit/]
  ]

  for (const [title, library, message] of LIBRARIES) {
    it(`rejects ready(), and the process ends: the thread ${title}`, async () => {
      const file = wasmFile('copied-wasm')
      // With the mode in which a rejection that nobody handles would end nothing, and with what the
      // thread must not load.
      const args = ['--max-old-space-size=100', '--require', './main-thread-only.cjs', 'derivation-fails.cjs']
      const rejected = await of['copied-wasm'].json<string>(args, { sodium: 'wasm', options: '--unhandled-rejections=warn', input: { file, library } })
      if (typeof message === 'string') assert.equal(rejected, message)
      else assert.match(rejected, message)
    })
  }
})

describe("where the global Uint8Array is not that of Node's buffers, as in jsdom", () => {
  for (const sodium of ['native', 'wasm']) {
    it(`tokens are sealed and opened (${sodium})`, async () => {
      const opened = await of.complete.json<object>(['other-realm.cjs'], { sodium })
      assert.deepEqual(opened, { secretbox: ['secretbox', false], sealed: ['sealed', false], passphrase: ['passphrase', false] })
    })
  }
})

describe('a WebAssembly build that throws text', () => {
  it('is a complete error, with the text in its message', async () => {
    const file = wasmFile('copied-wasm')
    const original = await readFile(file)
    await writeFile(file, 'throw "no secure random number generator"')
    try {
      const { ready } = await of['copied-wasm'].json<Record<string, Seen>>(['errors.cjs'], { sodium: 'wasm' })
      const seen = ready ?? assert.fail('it was ready')
      assertComplete(seen, MISSING)
      assert.match(seen.message, /"wasm"; no secure random number generator$/)
    } finally {
      await writeFile(file, original)
    }
  })
})

/** The file of the WebAssembly build that `require` loads. */
function wasmFile (variant: typeof VARIANTS[number]): string {
  return join(of[variant].folder, 'node_modules', 'libsodium-wrappers-sumo', 'dist', 'modules-sumo', 'libsodium-wrappers.js')
}

describe('threads', () => {
  for (const sodium of ['native', 'wasm']) {
    it(`never use a nonce that another thread of the process uses (${sodium})`, async () => {
      const nonces = await of.complete.json<string[]>(['threads.cjs'], { sodium })
      assert.equal(nonces.length, 600)
      assert.equal(new Set(nonces).size, 600)
    })
  }
})
