// Options that cannot work at the edge: each is refused when a codec or a keyring is made, with a code and with advice.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type ErrorName, errorRow, ERRORS } from '../../src/error-table.ts'
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

  it('each error has the code and the values that it has in Node.js, and names the page that has its text', async () => {
    const options = { key, format: 'sealed', expiry: 'a day' } as never
    const errorOf = async (create: typeof createSessionCodec): Promise<{ hint: string, message: string }> => await create(options).then(() => assert.fail(), (error: Error) => error as never)
    const { hint, message, ...facts } = await errorOf(edge.createSessionCodec)
    const inNode = await errorOf(createSessionCodec)
    assert.deepEqual({ hint: inNode.hint, message: inNode.message, ...facts }, { ...inNode })
    assert.equal(message, 'duration: expiry, a string')
    assert.match(inNode.message, /"expiry".* a string$/)
    assert.equal(hint, 'See FST_SEALED_SESSION_DURATION in node_modules/fastify-sealed-session/docs/reference/errors.md.')
  })

  it('each error has the status code that it has in Node.js', () => {
    const statusIn = (rowOf: (name: ErrorName, values: number) => readonly [string, string, number?]): unknown => Object.keys(ERRORS).map(name => [name, rowOf(name as ErrorName, 0)[2] ?? 500])
    assert.deepEqual(statusIn(edge.errorRow), statusIn(errorRow))
  })

  for (const part of ['device', 'revocation']) {
    it(`the option "${part}" is refused if the part of that name is not imported, with advice`, async () => {
      await assert.rejects(edge.createWebSessions({ key, [part]: {} }), (error: Error & { code: string, hint: string }) => {
        assert.equal(error.code, 'FST_SEALED_SESSION_PART_MISSING')
        assert.match(error.hint, new RegExp(`^Write: import "fastify-sealed-session/${part}"\\.`))
        return true
      })
    })
  }

  it('the option "registry" is refused without its part, too', async () => {
    const withEnds = await load<{ createWebSessions: Parts['createWebSessions'] }>("import '../../../src/revocation/edge.ts'\nexport { createWebSessions } from '../../../src/web/index.ts'")
    const options = { key, revocation: { subject: () => 'ann' }, registry: {} }
    await assert.rejects(withEnds.createWebSessions(options), { code: 'FST_SEALED_SESSION_PART_MISSING', message: 'part missing: registry, registry' })
  })

  it('a codec that opens sessions of devices is refused if that part is not imported', async () => {
    await assert.rejects(edge.createSessionCodec({ key, format: 'sealed', device: true }), { code: 'FST_SEALED_SESSION_PART_MISSING' })
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
    assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => /^\[(\w+)\] key constant: session, key\. See FST_SEALED_SESSION_WARN_KEY_CONSTANT in node_modules\/fastify-sealed-session\/docs\/reference\/errors\.md/.exec(String(text))?.[1]), ['FST_SEALED_SESSION_WARN_KEY_CONSTANT'])
  })
})
