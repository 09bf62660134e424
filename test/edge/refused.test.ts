// Options that cannot work at the edge: each is refused when a codec or a keyring is made, with a code and with advice.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createSessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { load } from './support.ts'

type Parts = typeof import('./programs/parts.ts')

const key = newKey()
const secret = 'correct horse battery staple, and more of it'

/** For each: the call, and words of its advice. */
const REFUSED: Record<string, [act: (edge: Parts) => unknown, message: RegExp, hint: RegExp]> = {
  'the default format': [({ createSessionCodec }) => createSessionCodec({ key }), /"secretbox"/, /format: 'sealed'/],
  'the format secretbox': [({ createSessionCodec }) => createSessionCodec({ key, format: 'secretbox' }), /"secretbox"/, /format: 'sealed'/],
  'to open the format secretbox': [({ createSessionCodec }) => createSessionCodec({ key, format: 'sealed', accept: ['sealed', 'secretbox'] }), /"secretbox"/, /"accept"/],
  'a passphrase': [({ createSessionCodec }) => createSessionCodec({ secret, salt: 'sixteen bytes ok', format: 'sealed' }), /a passphrase/, /"key" in place of "secret"/],
  'several passphrases': [({ createSessionCodec }) => createSessionCodec({ secret: [secret, `${secret}!`], salt: 'sixteen bytes ok', format: 'sealed' }), /a passphrase/, /"key" in place of "secret"/],
  'a key file': [({ Keyring }) => Keyring.fromFile('/run/secrets/session-keys'), /a key file/, /Keyring\.fromEnv/],
  'a key file that is watched': [({ Keyring }) => Keyring.fromFile('/run/secrets/session-keys', { watch: true }), /a key file/, /Keyring\.fromEnv/],
  'keys that are loaded again and again': [({ Keyring }) => Keyring.from(() => key), /"refresh"/, /refresh: null/]
}

describe('at the edge', () => {
  let edge: Parts
  before(async () => { edge = await load<Parts>('parts.ts') })

  for (const [title, [act, message, hint]] of Object.entries(REFUSED)) {
    it(`${title} is refused, with advice`, async () => {
      await assert.rejects(async () => await act(edge), error => {
        const { code, hint: advice, statusCode, message: text, name } = error as Error & { code: string, hint: string, statusCode: number }
        assert.deepEqual([name, code, statusCode], ['FastifyError', 'FST_SEALED_SESSION_NOT_AT_EDGE', 500])
        assert.ok(error instanceof TypeError)
        assert.match(text, message)
        assert.match(advice, hint)
        return true
      })
    })
  }

  it('each error has the code, the message and the advice that it has in Node.js', async () => {
    const options = { key, format: 'sealed', expiry: 'a day' } as never
    const errorOf = async (create: typeof createSessionCodec): Promise<object> => await create(options).then(() => assert.fail(), (error: Error) => ({ ...error, message: error.message, text: String(error) }))
    assert.deepEqual(await errorOf(edge.createSessionCodec), await errorOf(createSessionCodec))
  })

  it('keys that are loaded once work', async () => {
    const { ids } = await edge.Keyring.from(async () => key.toString('hex'), { refresh: null })
    assert.deepEqual(ids, new edge.Keyring(key).ids)
  })

  it('a variable with keys that is not set is refused outside of production, too: each instance would have a key of its own', () => {
    assert.notEqual(process.env.NODE_ENV, 'production')
    assert.throws(() => edge.Keyring.fromEnv('THERE_IS_NO_SUCH_VARIABLE'), { code: 'FST_SEALED_SESSION_ENV_MISSING' })
  })

  it('a warning goes to the log of the runtime, with its code', async context => {
    const warn = context.mock.method(console, 'warn', () => {})
    await edge.createSessionCodec({ key: Buffer.alloc(32, 1), format: 'sealed' })
    assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => /^\[(\w+)\] session "session": /.exec(String(text))?.[1]), ['FST_SEALED_SESSION_WARN_KEY_CONSTANT'])
  })
})
