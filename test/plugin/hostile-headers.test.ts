// Cookie headers as anybody can send them over a socket: any byte that HTTP allows in a header, headers
// that are there twice, thousands of pairs, up to what Node takes. And the memory of a server that gets
// nothing else.
import assert from 'node:assert/strict'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { newKey } from '../support/helpers.ts'
import { readyApp, tokenWith } from '../support/app.ts'

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

const OPTIONS = [
  { key: newKey(), format: 'sealed', accept: ['sealed', 'secretbox'] },
  { key: newKey(), sessionName: 'signed', cookie: { signed: true } }
]

/** What a header may have: RFC 9110 section 5.5. */
const byte = fc.oneof(fc.constant(9), fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
const bytes = fc.array(byte, { maxLength: 60, size: 'max' }).map(codes => String.fromCharCode(...codes))

/** Pieces of Cookie headers; `honest` is a token that opens. */
function headersWith (honest: string): fc.Arbitrary<string[]> {
  const name = fc.constantFrom('session', 'session.1', 'session.2', 'signed', 'signed.1', '__proto__', 'other', '', ' session ')
  const value = fc.oneof(
    bytes,
    fc.constantFrom(honest, encodeURIComponent(honest), honest.slice(1), `${honest.slice(0, -1)}.`, '2~', `2~${honest.slice(0, 9)}`, `~${honest.slice(9)}`, '8~', '%', '%3B', '"";', ''),
    fc.base64String({ maxLength: 80, size: 'max' }).map(text => encodeURIComponent(`${text};${text}`))
  )
  const pair = fc.oneof(fc.tuple(name, value).map(parts => parts.join('=')), bytes)
  const many = fc.tuple(pair, fc.integer({ min: 1000, max: 4000 })).map(([pair, count]) => Array<string>(count).fill(pair).join(';').slice(0, 15_000))
  const header = fc.oneof({ weight: 9, arbitrary: fc.array(pair, { maxLength: 30 }).map(pairs => pairs.join('; ')) }, { weight: 1, arbitrary: many })
  return fc.array(header, { minLength: 1, maxLength: 3 })
}

describe('whatever Cookie headers come over a socket', () => {
  let app: FastifyInstance
  let port: number

  before(async () => {
    app = await readyApp({ session: OPTIONS, routes: { '/': ({ session, signed }: Record<string, any>) => [session.data(), signed.data()] } as never })
    await app.listen({ port: 0 })
    port = (app.server.address() as AddressInfo).port
  })

  after(async () => { await app.close() })

  /** Sends each as a header of its own, in Latin-1. On a new connection: Node closes one after status 431. */
  async function send (cookies: readonly string[]): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const headers = ['Host', 'localhost', ...cookies.flatMap(cookie => ['Cookie', cookie])]
      const sent = httpRequest({ port, agent: false, headers: headers as never }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => { resolve({ status: response.statusCode, headers: response.headers, body }) })
      })
      sent.on('error', reject).end()
    })
  }

  it('the answer is the one to no cookie at all, or has what was sealed: it never says why', async () => {
    const honest = tokenWith(app, { n: 1 })
    const { headers: { date, ...usual } } = await send([])
    await fc.assert(fc.asyncProperty(headersWith(honest), async cookies => {
      const { status, body, headers: { date, ...headers } } = await send(cookies)
      if (status === 431) return assert.ok(cookies.join('').length > 15_000) // Node's own, for all that is too much
      assert.equal(status, 200)
      assert.ok(['[{},{}]', '[{"n":1},{}]'].includes(body), body)
      assert.deepEqual({ ...headers, 'content-length': '' }, { ...usual, 'content-length': '' })
    }), { numRuns: 300 })
  })
})

describe('a server that gets nothing but cookies that do not open', () => {
  const REQUESTS = 12_000

  it('takes no more memory with time', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const app = await readyApp({ session: OPTIONS[0]!, routes: { '/': ({ session }) => session.data() } })
    const honest = tokenWith(app, { text: 'x'.repeat(1000) })
    const used = (): number => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    /** Each cookie once only: what is kept for one of them would add up. */
    const flood = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n++) {
        const token = n % 2 === 0 ? `${honest.slice(0, 20)}${n}${honest.slice(30)}` : `${Buffer.alloc(1000, `${n}`).toString('base64')}%3B${Buffer.alloc(24, `${n}`).toString('base64')}`
        await app.inject({ url: '/', headers: { cookie: `session=2~${n}; session=${token}; session.${n % 9}=~${token}` } })
        if (n % 100 === 0) await setImmediate() // a request that is injected leaves nothing only once the loop has turned
      }
      await setImmediate()
    }
    await flood(0, REQUESTS / 6) // what is compiled and cached on the way
    const before = used()
    await flood(REQUESTS / 6, REQUESTS)
    const each = (used() - before) / (REQUESTS * 5 / 6)
    // A cookie has 1300 bytes or more; what Node compiles on the way is a tenth of that.
    assert.ok(each < 400, `${each.toFixed(1)} bytes a request stay`)
  })
})
