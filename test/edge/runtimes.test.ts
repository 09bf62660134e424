// Real workerd, which runs Cloudflare Workers, and the edge runtime of Vercel and Next.js: each opens what Node.js
// has sealed, and seals what Node.js opens.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createSessionCodec, Keyring, type SessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { inEdgeRuntime, inWorkerd, type Send } from './support.ts'

const keys = [newKey(), newKey()]
const SESSION_KEYS = keys.map(key => key.toString('hex')).join(',')
const DATA = { user: 'Zoë', cart: [1, 2, { name: '😀'.repeat(50) }], none: null }
const options = { format: 'sealed', cookieName: '__Host-session', expiry: 3600 } as const

const RUNTIMES: Record<string, (program: string) => Promise<Send>> = {
  workerd: async program => await inWorkerd(program, { SESSION_KEYS }),
  'edge-runtime': async program => await inEdgeRuntime(program, { SESSION_KEYS })
}

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`in ${name}`, () => {
    let node: SessionCodec
    let send: Send
    const open = async (cookie: string): Promise<object> => await (await send('/', { headers: { cookie } })).json() as object

    before(async () => {
      node = await createSessionCodec({ ...options, key: keys })
      send = await start('worker.ts')
    })

    it('keys have the ids that they have in Node.js', async () => {
      assert.deepEqual(await (await send('/ids')).json(), new Keyring(keys).ids)
    })

    it('a session opens that Node.js has sealed, with the same description', async () => {
      const cookie = `theme=dark; __Host-session=${node.seal(DATA)}`
      assert.deepEqual(await open(cookie), JSON.parse(JSON.stringify(node.openCookies(cookie))))
    })

    it('a session opens that an older key has sealed, and is stale', async () => {
      const older = await createSessionCodec({ ...options, key: keys[1] })
      const { ok, stale } = await open(`__Host-session=${older.seal(DATA)}`) as { ok: boolean, stale: boolean }
      assert.deepEqual([ok, stale], [true, true])
    })

    it('Node.js opens a session that was sealed there', async () => {
      const opened = node.open(await (await send('/seal', { method: 'POST', body: JSON.stringify(DATA) })).text())
      assert.ok(opened.ok)
      assert.deepEqual(opened.data, DATA)
      assert.ok(Math.abs(opened.lastWriteAt.getTime() - Date.now()) < 30_000, opened.lastWriteAt.toISOString())
    })

    it('no nonce is drawn twice', async () => {
      const tokens = (await Promise.all([1, 2, 3].map(async () => await (await send('/seal-many')).json() as string[]))).flat()
      const nonces = new Set(tokens.map(token => Buffer.from(token, 'base64url').toString('hex', 5, 29)))
      assert.equal(nonces.size, 3000)
    })

    it('a token is refused that was changed, with the reason', async () => {
      const token = node.seal(DATA)
      const changed = `${token.slice(0, 60)}${token[60] === 'A' ? 'B' : 'A'}${token.slice(61)}`
      assert.deepEqual(await open(`__Host-session=${changed}`), { ok: false, reason: 'not-authentic' })
    })

    it('a token is refused of an unknown key', async () => {
      const other = await createSessionCodec({ ...options, key: newKey() })
      assert.deepEqual(await open(`__Host-session=${other.seal(DATA)}`), { ok: false, reason: 'key-unknown' })
    })
  })
}

describe('at the global scope of a Cloudflare Worker', () => {
  it('a codec is made, and to seal is refused by the runtime, which has no random numbers there', async () => {
    const send = await inWorkerd('global-seal.ts', {})
    assert.match(await (await send('/')).text(), /^Disallowed operation called within global scope\./)
  })
})

describe('a runtime without the Buffer of Node.js', () => {
  const codec = "import { createSessionCodec } from '../../../src/session-codec.ts'"
  const answer = "createSessionCodec({ key: 'ab'.repeat(32), format: 'sealed' }).then(() => 'made', error => error.code + ': ' + error.hint)"

  it('is refused with the advice for Cloudflare (a Worker without the flag)', async () => {
    const send = await inWorkerd(`${codec}; export default { async fetch () { return new Response(await ${answer}) } }`, {}, ['no_nodejs_compat', 'no_nodejs_compat_v2'])
    assert.match(await (await send('/')).text(), /^FST_SEALED_SESSION_NOT_AT_EDGE: .*"nodejs_compat"/)
  })
})
