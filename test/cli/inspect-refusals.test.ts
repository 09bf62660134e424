// `inspect` on what cannot be opened: exit code 1, and words that say what to look at.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import ts from 'typescript'
import { REASONS } from '../../src/message-table.ts'
import { Keyring } from '../../src/index.ts'
import { MAX_TOKEN_LENGTH } from '../../src/token/format.ts'
import { read } from '../docs/source.ts'
import { sealRaw } from '../support/configurations.ts'
import { newKey } from '../support/helpers.ts'
import { otherVersion, sealedRaw, sealedToken, secretboxToken } from './inspect-support.ts'
import { GENKEY, assertNoKey, run, temporaryFolder, type Outcome } from '../support/cli.ts'

const key = newKey()
const stranger = newKey()
const folder = temporaryFolder()
const keyFile = join(folder, 'keys')
writeFileSync(keyFile, `${key.toString('hex')}\n`)
const [keyId, strangerId] = new Keyring([key, stranger]).ids as [string, string]

/** The token goes through stdin: an argument cannot be as long as one that is too long. */
async function inspect (token: string, args: string[] = [], file = keyFile): Promise<Outcome> {
  const outcome = await run(process.execPath, [GENKEY, 'inspect', '--key-file', file, ...args, '-'], { stdin: token })
  assertNoKey(outcome, [key, stranger])
  return outcome
}

/** The names in the type. */
function refusalReasons (): string[] {
  const source = ts.createSourceFile('types.ts', read('src/types.ts'), ts.ScriptTarget.Latest)
  const type = source.statements.find(node => ts.isTypeAliasDeclaration(node) && node.name.text === 'RefusalReason')
  return [...type?.getText(source).replace(/\/\*[^]*?\*\//, '').matchAll(/'([\w-]+)'/g) ?? []].map(([, name = '']) => name)
}

const nonce = 'A'.repeat(32)
const HEADER = Buffer.alloc(11)

/** A token for each reason for which none opens, and what is said of it. */
const refused: Record<string, [token: string, message: RegExp]> = {
  malformed: ['AAAA', /it is no token, or a part of it is missing/],
  'chunk-missing': ['2~AQAB', /a part of a large session, which was split over several cookies\. Give all of them/],
  'too-long': ['A'.repeat(MAX_TOKEN_LENGTH + 1), /it has 65537 characters; more than 65536 are never opened/],
  'ciphertext-length': [`AAAA;${nonce}`, /the part before ";" is too short/],
  'nonce-length': [`${'A'.repeat(64)};AAAA`, /the part after ";" is not 24 bytes/],
  'version-unknown': [otherVersion(sealedToken(key)), /its version is unknown to this release/],
  'key-unknown': [sealedToken(stranger), new RegExp(`its key has the id ${strangerId}, which is missing among the keys of ".*keys": ${keyId}\\.`)],
  'not-authentic': [secretboxToken(stranger), new RegExp(`it was changed on the way, or its key is missing among those of ".*keys": ${keyId}\\.`)],
  'header-invalid': [sealedRaw(key, Buffer.alloc(11, 0x80)), /its header is unknown to this release/],
  'payload-invalid': [sealedRaw(key, Buffer.concat([HEADER, Buffer.from('[]')])), /is not a JSON object/],
  'time-missing': [sealRaw(key, '{"a":1}'), /without the time of the last write/]
}

/** A token for each reason for which an app may refuse what opens here. */
const doubted: Record<string, [token: string, message: RegExp]> = {
  'format-not-accepted': [secretboxToken(key), /the option "accept" of your app lacks "secretbox"/],
  expired: [secretboxToken(key), /the option "expiry" of your app has passed since the last write/],
  'time-in-future': [secretboxToken(key, { writtenAt: 2e13 }), /the last write lies more than 60 seconds ahead/],
  'schema-invalid': [secretboxToken(key), /may not fit the option "schema" of your app, which this command cannot check/],
  revoked: [secretboxToken(key), /it may have been ended on the server/],
  'stamp-changed': [secretboxToken(key), /the stamp of its user may have changed/],
  'device-unproven': [sealedToken(key, { claims: new Map([[3, Buffer.alloc(16, 1)]]) }), /beside the proof of that device/],
  'device-required': [secretboxToken(key), /it opens for a short time only/],
  'signature-invalid': [`${secretboxToken(key)}.${'A'.repeat(43)}`, /the signature is wrong\. This command cannot check it/]
}

describe('the reasons', () => {
  test('each have words, and are each said of a token below', () => {
    assert.ok(refusalReasons().length > 10)
    assert.deepEqual(Object.keys(REASONS).sort(), refusalReasons().sort())
    assert.deepEqual(Object.keys({ ...refused, ...doubted }).sort(), refusalReasons().sort())
  })

  for (const [reason, [token, message]] of Object.entries(refused)) {
    test(`${reason}: exit code 1, and what it means on stderr`, async () => {
      const { code, stdout, stderr } = await inspect(token)
      assert.equal(code, 1)
      assert.equal(stdout.length, 0)
      assert.ok(stderr.startsWith(`fastify-sealed-session: refused as ${reason}: `), stderr)
      assert.match(stderr, message)
      assert.equal(stderr.split('\n').length, 2)
    })
  }

  for (const [reason, [token, message]] of Object.entries(doubted)) {
    test(`${reason}: the session is shown, with what an app may say of it`, async () => {
      const { code, stdout } = await inspect(token)
      assert.equal(code, 0)
      const line = stdout.toString().split('\n').find(line => line.startsWith(`- ${reason}: `)) ?? ''
      assert.match(line, message)
    })
  }
})

describe('a refusal', () => {
  test('of a sealed token for another name says to try --name', async () => {
    const { code, stderr } = await inspect(sealedToken(key, {}, 'auth'))
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`refused as not-authentic: it names key ${keyId} of ".*keys", but it was changed on the way, or sealed for a name other than "session"\\. Try --name`))
  })

  test('names the cookie safely', async () => {
    const { stderr } = await inspect(`a\u001bb=${sealedToken(key)}`)
    assert.match(stderr, /a name other than "a\\u001bb"\. /)
  })

  test('of nothing says that it is empty', async () => {
    for (const token of ['', '\n', 'session=', 'session=; Max-Age=0; Path=/']) {
      const { code, stderr } = await inspect(token)
      assert.equal(code, 1)
      assert.match(stderr, /refused as malformed: it is empty, as a cookie is that is being deleted\.\n/, token)
    }
  })

  test('does not show the token', async () => {
    const token = secretboxToken(stranger)
    assert.ok(!(await inspect(token)).stderr.includes(token.slice(0, 20)))
  })
})

describe('a key file that cannot be used: exit code 1, and no word of what it holds', () => {
  const secret = stranger.toString('hex')
  const files: Record<string, [content: string | null, message: RegExp]> = {
    missing: [null, /^fastify-sealed-session: ENOENT: /],
    empty: ['', / has no key in it\n/],
    bad: [`# keys\n${secret.slice(1)}\n`, / is not valid in line 2: .*got 63 characters\n/]
  }

  for (const [name, [content, message]] of Object.entries(files)) {
    test(name, async () => {
      const path = join(folder, name)
      if (content !== null) writeFileSync(path, content)
      const { code, stdout, stderr } = await inspect(secretboxToken(key), [], path)
      assert.equal(code, 1)
      assert.equal(stdout.length, 0)
      assert.match(stderr, message)
      assert.ok(!stderr.includes(secret.slice(1, 20)))
    })
  }

  test('a folder', async () => {
    const path = join(folder, 'folder')
    mkdirSync(path)
    assert.match((await inspect(secretboxToken(key), [], path)).stderr, /^fastify-sealed-session: EISDIR: /)
  })
})
