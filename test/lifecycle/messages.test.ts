// Messages about the lives of sessions: what is in them, and what is not.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Keyring, authenticated } from '../../src/index.ts'
import { Lifecycle, SessionLife } from '../../src/http/lifecycle.ts'
import { DerivedKey } from '../../src/keys/key-set.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post, readyApp, type Bag } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { followLives, take, words } from '../support/lifecycle.ts'
import { idOf } from '../support/registry.ts'
import { appWithLogins, login } from '../support/revocation.ts'

describe('a message about the life of a session', () => {
  it('has all its fields, those that do not apply as null', async t => {
    const app = await appWithLogins({ server: { genReqId: () => 'req-of-test' } })
    const messages = followLives(t)
    const id = await idOf(app, await login(app))
    const { subjects, ...rest } = messages[0]!
    assert.deepEqual(rest, { sessionName: 'session', event: 'begun', id, previousId: null, cause: null, reason: null, method: null, requestId: 'req-of-test' })
    assert.equal(subjects.length, 1)
    assert.match(subjects[0]!, /^[\w-]{43}$/)
  })

  it('has the id of the request that caused it, and null for what no request has done', async t => {
    let count = 0
    const app = await appWithLogins({
      server: { genReqId: () => `r${++count}` },
      after: app => { app.post('/kick', async () => { await app.revokeSubject('bob'); return 'kicked' }) }
    })
    const messages = followLives(t)
    const cookie = await login(app)
    await post(app, '/kick')
    await post(app, '/logout', cookie)
    await post(app, '/logout', cookie)
    await app.revokeSubject('ann')
    assert.deepEqual(messages.map(({ event, requestId }) => [event, requestId]), [['begun', 'r1'], ['ended', 'r2'], ['ended', 'r3'], ['refused', 'r4'], ['ended', null]])
  })

  it('has nothing of what a session holds, its subject, its token or its key', async t => {
    const key = newKey()
    const app = await appWithLogins({ session: { key } })
    const messages = followLives(t)
    const cookie = await login(app, 'ann@example.com')
    await post(app, '/write', cookie, { secret: 'canary' })
    await app.revokeSubject('ann@example.com')
    await get(app, '/me', cookie)
    const text = JSON.stringify(messages)
    assert.equal(messages.length, 3)
    for (const shown of ['ann', 'canary', cookie.split('=')[1]!, key.toString('base64'), key.toString('hex')]) assert.ok(!text.includes(shown), shown)
  })

  it('has one hash for a user, in all processes with the same key, and others for other users', async t => {
    const key = newKey()
    const [one, two] = [await appWithLogins({ session: { key } }), await appWithLogins({ session: { key } })]
    const messages = followLives(t)
    for (const [app, user] of [[one, 'ann'], [two, 'ann'], [one, 'bob']] as const) await login(app, user)
    await one.revokeSubject('ann')
    const [ann, again, bob, revoked] = messages.map(({ subjects }) => subjects[0])
    assert.deepEqual([again, revoked], [ann, ann])
    assert.notEqual(bob, ann)
  })

  it('has a hash that nobody can find by guessing without the key: neither the hash of the store, nor that of another key', async t => {
    const written: string[] = []
    const store = new MemoryStore()
    const watching = { get: (key: string) => store.get(key), set: async (...entry: Parameters<MemoryStore['set']>) => { written.push(entry[0]); await store.set(...entry) } }
    const app = await appWithLogins({ session: { key: newKey() }, revocation: { store: watching as never } })
    const other = await appWithLogins({ session: { key: newKey() } })
    const messages = followLives(t)
    await app.revokeSubject('ann')
    await other.revokeSubject('ann')
    const [[hash], [others]] = messages.map(({ subjects }) => subjects) as [string[], string[]]
    assert.ok(written.length > 0)
    assert.ok(!written.some(key => key.includes(hash!)))
    assert.notEqual(hash, others)
  })

  it('has another hash after a rotation', async t => {
    const keyring = new Keyring(newKey())
    const app = await appWithLogins({ session: { key: keyring } })
    const messages = followLives(t)
    await app.revokeSubject('ann')
    keyring.rotate(newKey())
    await app.revokeSubject('ann')
    assert.notDeepEqual(messages[0]!.subjects, messages[1]!.subjects)
  })

  it('has the hashes of all subjects, the user first', async t => {
    const app = await appWithLogins({ revocation: { subject: ({ get }) => get('user') === undefined ? undefined : [`user:${get('user')}`, 'tenant:7'] } })
    const messages = followLives(t)
    await login(app)
    await app.revokeSubject('tenant:7')
    const [begun, ended] = messages.map(({ subjects }) => subjects)
    assert.deepEqual(begun!.slice(1), ended)
    assert.equal(begun!.length, 2)
  })

  it('has the name of its session', async t => {
    const app = await readyApp({
      session: [{ key: newKey() }, { key: newKey(), sessionName: 'other' }],
      routes: { '/': request => { for (const name of ['session', 'other']) (request as unknown as Record<string, Bag>)[name]!.n = 1 } } // both are registered
    })
    const messages = followLives(t)
    await get(app)
    assert.deepEqual(words(messages), ['begun', 'begun'])
    assert.deepEqual(messages.map(({ sessionName }) => sessionName).sort(), ['other', 'session'])
  })
})

describe('the subscribers', () => {
  it('get a message of their own: to change it changes nothing of the session', async t => {
    const app = await appWithLogins()
    followLives(t, message => {
      (message as { id: string }).id = 'changed';
      (message.subjects as string[]).length = 0
    })
    const messages = followLives(t)
    const cookie = await login(app)
    assert.match(await idOf(app, cookie), /^[\w-]{22}$/)
    await post(app, '/logout', cookie)
    assert.equal(await get(app, '/me', cookie).then(({ body }) => body), 'nobody')
    assert.deepEqual(words(messages), ['begun', 'ended logout', 'refused revoked'])
  })

  it('that throw leave the request as it is, and end the process unless it handles the error', async () => {
    const child = fileURLToPath(new URL('throwing-child.ts', import.meta.url))
    const ending = promisify(execFile)(process.execPath, ['--import', 'tsx', child])
    const { stdout, code } = await ending.then(() => assert.fail('it ended well'), (error: { stdout: string, code: number }) => error)
    assert.match(stdout, /^200 session=[\w%+.-]+/)
    assert.equal(code, 7) // the exit code that its own handler gives
  })

  it('that nobody is: no message is made, no hash computed, no subject read', async t => {
    const read: string[] = []
    const app = await appWithLogins({
      session: { key: newKey() },
      revocation: { subject: session => { read.push('subject'); return session.get('user') } },
      after: app => { app.post('/confirm', async ({ session }) => { authenticated(session); return 'done' }) }
    })
    t.mock.method(Lifecycle.prototype, 'tell', () => assert.fail('told'))
    t.mock.method(SessionLife.prototype, 'ended', () => assert.fail('noted'))
    t.mock.getter(DerivedKey.prototype, 'pseudonyms', () => assert.fail('hashed'))
    const visit = async (): Promise<number> => {
      read.length = 0
      const cookie = await login(app)
      await post(app, '/confirm', cookie)
      await post(app, '/logout', await login(app))
      await app.revokeSubject('ann')
      await get(app, '/me', 'session=garbage')
      return read.length
    }
    const without = await visit()
    t.mock.restoreAll()
    const messages = followLives(t)
    assert.ok(await visit() > without, 'with a listener it is read once more')
    assert.deepEqual(take(messages), ['begun', 'renewed', 'authenticated login', 'begun', 'ended logout', 'ended revoked', 'refused malformed'])
  })
})
