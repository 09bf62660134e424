// One token, one spelling; and what is checked of a token in which order.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { get, newApp, post, readyApp } from '../support/app.ts'
import { captureLog, newKey, setCookies } from '../support/helpers.ts'
import { cookieHeader, refusals, sealRaw, seconds } from '../support/configurations.ts'
import { PLUGINS } from '../support/peer.ts'

const MALFORMED = '@fastify/secure-session: the cookie is malformed, creating an empty session'

const key = newKey()
const { lines, logger } = captureLog('trace')
const app = newApp({ server: { logger: logger! }, session: { key } })
await app.ready()

/** A token whose segments both have characters that the alphabets differ in; `padding` is that of the first one. */
function honestToken (padding: 0 | 1 | 2): string {
  const nonce = Buffer.concat([Buffer.alloc(12, 0xfb), randomBytes(12)]) // +/v7 …
  for (let length = 300; length < 330; length++) {
    const token = sealRaw(key, JSON.stringify({ user: 1, pad: 'x'.repeat(length), __ts: seconds() }), nonce)
    const [ciphertext = ''] = token.split(';')
    if (/[+/]/.test(ciphertext) && /=*$/.exec(ciphertext)![0].length === padding) return token
  }
  throw new Error('ten tokens in a row without + and /')
}

type Respell = (segment: string) => string

const insert = (text: string, at: number): Respell => segment => segment.slice(0, at) + text + segment.slice(at)

/** Other spellings of the same bytes, as Node's decoder takes them. */
const STRAY: Record<string, Respell> = {
  'a space in front': insert(' ', 0),
  'a space in the middle': insert(' ', 8),
  'a space at the end': segment => `${segment} `,
  'a line break': insert('\n', 8),
  'a carriage return and line break at the end': segment => `${segment}\r\n`,
  'a tab': insert('\t', 4),
  'a zero byte': insert('\0', 4),
  'a character of no alphabet': insert('!', 4),
  'a dot': insert('.', 5),
  'a quotation mark': insert('"', 6),
  'a letter outside ASCII': insert('\u00e9', 7),
  'a byte order mark in front': insert('\ufeff', 0),
  'the alphabet of base64url': segment => segment.replaceAll('+', '-').replaceAll('/', '_'),
  'one character of base64url': segment => segment.replace(/[+/]/, found => found === '+' ? '-' : '_'),
  'an extra =': segment => `${segment}=`,
  'three more =': segment => `${segment}===`,
  'four more =': segment => `${segment}====`,
  'four spaces': insert('    ', 8),
  'four characters of no alphabet': insert('!.,?', 12),
  'padding, then more': segment => `${segment}=AAAA`
}

const PADDED: Record<string, Respell> = {
  'no padding': segment => segment.replace(/=+$/, ''),
  'one = fewer': segment => segment.slice(0, -1),
  'an extra =': segment => `${segment}=`,
  'a space before the padding': segment => segment.replace(/=+$/, ' $&'),
  'spaces for padding': segment => segment.replaceAll('=', ' '),
  'unused bits and no padding': segment => segment.replace(/(.)=+$/, (_, last: string) => shift(last, 1))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function shift (character: string, by: number): string {
  return ALPHABET[ALPHABET.indexOf(character) + by]!
}

/** Refused with one line in each of two ways in, although the bytes are those of an authentic token. */
async function assertMalformed (token: string, segment: 0 | 1, respell: Respell): Promise<void> {
  const segments = token.split(';')
  const original = segments[segment]!
  segments[segment] = respell(original)
  assert.notEqual(segments[segment], original)
  assert.deepEqual(Buffer.from(segments[segment], 'base64'), Buffer.from(original, 'base64'), 'the same bytes')

  lines.length = 0
  assert.equal(app.decodeSecureSession(segments.join(';')), null)
  assert.deepEqual(refusals(lines), [MALFORMED])
  lines.length = 0
  const response = await get(app, '/get', cookieHeader(segments.join(';')))
  assert.deepEqual(response.json(), {})
  assert.deepEqual(refusals(lines), [MALFORMED])
}

describe('another spelling of an authentic token is refused', () => {
  for (const [what, respell] of Object.entries(STRAY)) {
    it(`ciphertext with ${what}`, async () => await assertMalformed(honestToken(0), 0, respell))
    it(`nonce with ${what}`, async () => await assertMalformed(honestToken(0), 1, respell))
  }
  for (const [what, respell] of Object.entries(PADDED)) {
    for (const padding of [1, 2] as const) {
      it(`ciphertext that ends in ${'='.repeat(padding)}, with ${what}`, async () => await assertMalformed(honestToken(padding), 0, respell))
    }
  }
  for (const [padding, spare] of [[1, 3], [2, 15]] as const) {
    it(`ciphertext that ends in ${'='.repeat(padding)}, with any of the unused bits of its last character`, async () => {
      const tokens = Array.from({ length: 60 }, () => honestToken(padding)) // so many end in all the characters that can be
      for (let bits = 1; bits <= spare; bits++) {
        const respell: Respell = segment => segment.replace(/(.)(=+)$/, (_, last: string, end: string) => shift(last, bits) + end)
        for (const token of tokens) await assertMalformed(token, 0, respell)
      }
    })
  }

  it('while the canonical one is opened, with each length of padding and no line in the log', async () => {
    for (const padding of [0, 1, 2] as const) {
      const token = honestToken(padding)
      lines.length = 0
      assert.equal(app.decodeSecureSession(token)?.get('user'), 1)
      assert.equal((await get(app, '/get', cookieHeader(token))).json<{ user: number }>().user, 1)
      assert.deepEqual(refusals(lines), [])
    }
  })

  it('a percent-encoded token is no token to decodeSecureSession', () => {
    assert.equal(app.decodeSecureSession(encodeURIComponent(honestToken(0))), null)
  })
})

describe('what follows a second ; is ignored', () => {
  for (const rest of ['', ' Path=/; HttpOnly; SameSite=Lax', 'AAAA', ';', ' ', '; ;=;']) {
    it(`by decodeSecureSession and in a cookie: ${JSON.stringify(rest)}`, async () => {
      const token = `${honestToken(0)};${rest}`
      assert.equal(app.decodeSecureSession(token)?.get('user'), 1)
      assert.equal((await get(app, '/get', cookieHeader(token))).json<{ user: number }>().user, 1)
    })
  }

  it('so a whole Set-Cookie line can be sent back', async () => {
    const [line = ''] = setCookies(await post(app, '/set', undefined, { user: 7 }))
    assert.match(line, /; HttpOnly/)
    assert.deepEqual((await get(app, '/get', line)).json(), { user: 7 })
    const value = decodeURIComponent(line.slice('session='.length))
    assert.deepEqual(app.decodeSecureSession(value)?.data(), { user: 7 })
  })

  it('but a space before it belongs to the nonce', () => {
    assert.equal(app.decodeSecureSession(`${honestToken(0)} ; Path=/`), null)
  })
})

describe('the checks of a token', async () => {
  const peer = await readyApp({ plugin: PLUGINS.peer, session: { key } })

  const good = randomBytes(40).toString('base64')
  const nonce = randomBytes(24).toString('base64')
  const tokens: Record<string, string> = {
    'an empty text': '',
    'one segment': good,
    'one short segment': 'AAAA',
    'two empty segments': ';',
    'a short ciphertext': `AAAA;${nonce}`,
    'a ciphertext one byte short': `${randomBytes(15).toString('base64')};${nonce}`,
    'a short ciphertext and a short nonce': 'AAAA;AAAA',
    'a short ciphertext with stray characters': `!!!!;${nonce}`,
    'a short nonce': `${good};AAAA`,
    'a long nonce': `${good};${nonce}AAAA`,
    'an empty nonce': `${good};`,
    'a short nonce with stray characters': `${good};!AAAA`,
    'segments that are no ciphertext': `${good};${nonce}`,
    'an empty message that is not authentic': `${randomBytes(16).toString('base64')};${nonce}`,
    'an expired session': sealRaw(key, '{"__ts":1}')
  }
  for (const [what, token] of Object.entries(tokens)) {
    it(`run in the peer's order and write its line, once: ${what}`, async () => {
      const theirs: string[] = []
      assert.equal(peer.decodeSecureSession(token, { debug: (line: string) => theirs.push(line), trace: () => null } as never), null)
      assert.equal(theirs.length, 1)

      const ours: string[] = []
      assert.equal(app.decodeSecureSession(token, { debug: (line: unknown) => { ours.push(String(line)) } }), null)
      assert.deepEqual(ours, theirs)

      lines.length = 0
      await get(app, '/get', cookieHeader(token))
      assert.deepEqual(refusals(lines), theirs)
    })
  }

  it('are not run without a cookie, which is one line at level trace', async () => {
    lines.length = 0
    assert.equal(app.decodeSecureSession(undefined), null)
    await get(app, '/get')
    assert.deepEqual(refusals(lines), [])
    assert.equal(lines.filter(({ level, msg }) => level === 10 && /there is no cookie/.test(msg)).length, 2)
  })
})
