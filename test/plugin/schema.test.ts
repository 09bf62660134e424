// The option `schema`, with real schemas of three libraries.
import { type } from 'arktype'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import superjson from 'superjson'
import * as v from 'valibot'
import { z } from 'zod'
import { createSessionCodec, sessionInfo, type Format, type SecureSessionPluginOptions, type StandardSchema } from '../../src/index.ts'
import { cookieHeader, rejection, sealRaw, seconds } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { sealedToken } from '../support/security.ts'
import { contentOf, cookieWith, get, logged, properties, readyApp, type Handler } from '../support/app.ts'

const FORMATS: readonly Format[] = ['secretbox', 'sealed']

/** The same in each library: `userId` is a number, `roles` may be missing and are texts. */
const SCHEMAS: Record<string, StandardSchema> = {
  zod: z.object({ userId: z.number(), roles: z.array(z.string()).optional() }),
  valibot: v.object({ userId: v.number(), roles: v.optional(v.array(v.string())) }),
  arktype: type({ userId: 'number', 'roles?': 'string[]' })
}

/** In each library, what takes an old shape, `{ id }`, or the present one, `{ userId }`, and gives the present one. */
const MIGRATING: Record<string, StandardSchema> = {
  zod: z.union([z.object({ userId: z.number() }), z.object({ id: z.number() }).transform(({ id }) => ({ userId: id }))]),
  valibot: v.union([v.object({ userId: v.number() }), v.pipe(v.object({ id: v.number() }), v.transform(({ id }) => ({ userId: id })))]),
  arktype: type({ 'userId?': 'number', 'id?': 'number' }).pipe(({ userId, id }) => ({ userId: userId ?? id }))
}

const ASYNC: Record<string, StandardSchema> = {
  zod: z.object({ userId: z.number().refine(async () => true) }), // shows only where there is a userId
  valibot: v.objectAsync({ userId: v.number() })
}

const ROUTES: Record<string, Handler> = {
  '/': ({ session }) => ({ data: session.data(), reason: sessionInfo(session).reason }),
  '/good': ({ session }) => { session.set('userId', 1) },
  '/bad': ({ session }) => { session.set('userId', 'secret value'); session.set('roles', ['a', { secret: 'value' }]) },
  '/push': ({ session }) => { session.get<unknown[]>('roles')?.push(1) },
  '/delete': ({ session }) => session.delete()
}

/** A schema that validates with a function. */
function schemaOf (validate: StandardSchema['~standard']['validate']): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

for (const format of FORMATS) {
  /** A token that holds anything. */
  const tokenOfData = (key: Buffer, data: object): string => format === 'sealed'
    ? sealedToken({ key, payload: JSON.stringify(data) })
    : sealRaw(key, JSON.stringify({ ...data, __ts: seconds() }))

  for (const [library, schema] of Object.entries(SCHEMAS)) {
    describe(`a schema of ${library} in the ${format} format`, () => {
      const options = (key = newKey()): SecureSessionPluginOptions => ({ key, format, schema })

      it('lets a session through that fits it', async () => {
        const app = await readyApp({ session: options(), routes: ROUTES })
        const response = await get(app, '/good')
        assert.equal(response.statusCode, 200)
        assert.deepEqual((await get(app, '/', cookieOf(response))).json(), { data: { userId: 1 }, reason: null })
      })

      it('makes a session that does not fit it start empty, and the log says why', async () => {
        const { lines, server } = logged()
        const key = newKey()
        const app = await readyApp({ session: options(key), server, routes: ROUTES })
        const response = await get(app, '/', cookieHeader(tokenOfData(key, { userId: 'secret value' })))
        assert.deepEqual(response.json(), { data: {}, reason: 'schema-invalid' })
        assert.equal(lines.filter(({ level, msg }) => level === 20 && msg.includes('does not fit the schema')).length, 1)
        assert.ok(!JSON.stringify(lines).includes('secret value'))
      })

      it('makes a response an error whose session does not fit it, which names the paths and no value', async () => {
        const app = await readyApp({ session: options(), routes: ROUTES })
        const response = await get(app, '/bad')
        assert.equal(response.statusCode, 500)
        assert.equal(response.json().code, 'FST_SEALED_SESSION_SCHEMA_INVALID')
        assert.equal(response.json().message, 'the session does not fit its schema at userId, roles[1]')
        assert.deepEqual(setCookies(response), [])
      })

      it('is asked about changes inside a value as well', async () => {
        const key = newKey()
        const app = await readyApp({ session: options(key), routes: ROUTES })
        const response = await get(app, '/push', cookieHeader(tokenOfData(key, { userId: 1, roles: [] })))
        assert.equal(response.json().message, 'the session does not fit its schema at roles[0]')
      })

      it('does not keep a session from being deleted', async () => {
        const app = await readyApp({ session: options(), routes: ROUTES })
        assert.match(setCookies(await get(app, '/delete'))[0] ?? '', /Max-Age=0/)
      })

      it('holds in decorators and in a codec without Fastify', async () => {
        const own = options()
        const app = await readyApp({ session: own })
        const codec = await createSessionCodec<object>(own)
        assert.throws(() => app.encodeSecureSession(app.createSecureSession({ userId: '1' })), { code: 'FST_SEALED_SESSION_SCHEMA_INVALID' })
        assert.throws(() => codec.seal({}), { message: 'the session does not fit its schema at userId' })
        const token = tokenOfData(own.key as Buffer, { roles: [] })
        assert.equal(app.decodeSecureSession(token), null)
        assert.deepEqual(codec.open(token), { ok: false, reason: 'schema-invalid' })
        assert.ok(codec.open(codec.seal({ userId: 1 })).ok)
      })

      it('migrates an older shape, and sends it in the new one after a write', async () => {
        const key = newKey()
        const app = await readyApp({ session: { key, format, schema: MIGRATING[library] }, routes: { ...ROUTES, '/touch': ({ session }) => session.touch() } })
        const cookie = cookieHeader(tokenOfData(key, { id: 5 }))
        const response = await get(app, '/', cookie)
        assert.deepEqual(response.json(), { data: { userId: 5 }, reason: null })
        assert.deepEqual(setCookies(response), [], 'what was only read is not sent again')
        assert.deepEqual(contentOf(app, await get(app, '/touch', cookie)), { userId: 5 })
      })
    })
  }

  describe(`a schema in the ${format} format`, () => {
    it('sees what a serializer gives', async () => {
      const schema = z.object({ at: z.date() })
      const codec = await createSessionCodec<object>({ key: newKey(), format, schema, serializer: superjson })
      const opened = codec.open(codec.seal({ at: new Date(5) }))
      assert.ok(opened.ok)
      assert.deepEqual(opened.data, { at: new Date(5) })
    })

    for (const [what, validate] of [
      ['throws', () => { throw new Error('secret value') }],
      ['returns nothing', () => undefined]
    ] as Array<[string, never]>) {
      it(`that ${what} refuses on opening and is an error on sealing`, async () => {
        const key = newKey()
        const app = await readyApp({ session: { key, format, schema: schemaOf(validate) }, routes: ROUTES })
        assert.equal((await get(app, '/', cookieHeader(tokenOfData(key, { a: 1 })))).json().reason, 'schema-invalid')
        const { code, message } = (await get(app, '/good')).json()
        assert.equal(code, 'FST_SEALED_SESSION_SCHEMA_FAILED')
        assert.doesNotMatch(message, /secret value/)
      })
    }

    for (const [what, value] of Object.entries({ text: 'text', 'an array': [], null: null, 'a name of the session itself': { __ts: 1 } })) {
      it(`that gives ${what} refuses on opening`, async () => {
        const key = newKey()
        const codec = await createSessionCodec<object>({ key, format, schema: schemaOf(() => ({ value })) })
        assert.deepEqual(codec.open(tokenOfData(key, { a: 1 })), { ok: false, reason: 'schema-invalid' })
      })
    }

    it('that works asynchronously, where only a full session shows it, is a coded error when one is sealed or opened', async () => {
      const key = newKey()
      const app = await readyApp({ session: { key, format, schema: ASYNC.zod }, routes: ROUTES })
      assert.equal((await get(app, '/good')).json().code, 'FST_SEALED_SESSION_SCHEMA_ASYNC')
      const cookie = cookieWith(await readyApp({ session: { key, format } }), { userId: 1 })
      assert.equal((await get(app, '/', cookie)).json().code, 'FST_SEALED_SESSION_SCHEMA_ASYNC')
    })
  })
}

describe('the option schema', () => {
  it('is refused at registration where it works asynchronously with an empty session', async () => {
    assert.equal((await rejection({ key: newKey(), schema: ASYNC.valibot })).code, 'FST_SEALED_SESSION_SCHEMA_ASYNC')
    const rejecting = schemaOf(async () => { throw new Error('nobody waits for it') })
    assert.equal((await rejection({ key: newKey(), schema: rejecting })).code, 'FST_SEALED_SESSION_SCHEMA_ASYNC')
  })

  for (const [what, schema] of [['a text', 'zod'], ['a JSON schema', { type: 'object' }], ['another version', { '~standard': { version: 2, validate: () => ({}) } }]] as const) {
    it(`is refused as ${what}`, async () => {
      const { code, message } = await rejection({ key: newKey(), schema })
      assert.equal(code, 'FST_SEALED_SESSION_OPTION_INVALID')
      assert.match(message, /^option "schema" must be a schema of a library/)
    })
  }

  it('names at most five paths, each once, with names that are no identifiers in quotes', async () => {
    const paths = [['a'], ['a'], ['b c'], [{ key: 'd' }, 0], [], ['e'], ['f'], ['g']]
    const codec = await createSessionCodec<object>({ key: newKey(), schema: schemaOf(() => ({ issues: paths.map(path => ({ message: 'secret', path })) })) })
    assert.throws(() => codec.seal({}), { message: 'the session does not fit its schema at a, ["b c"], d[0], its top level, e and 2 more' })
  })

  it('changes nothing for a request that does not use its session', async () => {
    let calls = 0
    const schema = schemaOf(value => { calls++; return { value } })
    const app = await readyApp({ session: { key: newKey(), schema }, routes: { ...ROUTES, '/untouched': () => 'untouched', '/read': ({ session }) => String(properties(session).a) } })
    const cookie = cookieWith(app, { a: 1 })
    calls = 0
    await get(app, '/untouched', cookie)
    assert.equal(calls, 0)
    await get(app, '/read', cookie)
    assert.equal(calls, 1)
  })
})
