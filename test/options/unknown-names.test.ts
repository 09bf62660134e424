// Names among the options: misspelt ones, unknown ones, and names of sessions that are taken.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import secureSession from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { prepare, rejection, warningsOf } from '../support/configurations.ts'

const NEAR: Record<string, string[]> = {
  key: ['keys', 'Key', 'KEY', 'kye'],
  secret: ['secrets', 'Secret', 'secert'],
  salt: ['salts', 'Salt', 'slat'],
  expiry: ['expirey', 'expiri', 'Expiry', 'EXPIRY', 'exipry'],
  sessionName: ['sessionname', 'session_name', 'sesionName', 'sessionNames'],
  cookieName: ['cookiename', 'cookie_name', 'cookieNames', 'cokieName'],
  cookie: ['cookies', 'Cookie', 'coookie'],
  cookieOptions: ['cookieOption', 'cookieoptions', 'cookiesOptions', 'cookieOpitons'],
  noStore: ['nostore', 'no_store', 'noStor']
}

describe('an option that is nearly one of ours is refused by name', () => {
  for (const [option, names] of Object.entries(NEAR)) {
    for (const name of names) {
      it(`${name} for ${option}`, async () => {
        for (const options of [{ key: newKey(), [name]: 'x' }, [{ sessionName: 'a', key: newKey() }, { sessionName: 'b', key: newKey(), [name]: 'x' }]]) {
          const error = await rejection(options)
          assert.equal(error.code, 'FST_SEALED_SESSION_OPTION_UNKNOWN')
          assert.equal(error.message, `option "${name}" is not known, did you mean "${option}"?`)
          assert.match(error.hint, /Correct the name/)
        }
      })
    }
  }

  it('even where its value is undefined, and where no key is given because of it', async () => {
    assert.match((await rejection({ key: newKey(), expirey: undefined })).message, /"expirey".*"expiry"/)
    assert.match((await rejection({ keys: newKey() })).message, /"keys".*"key"/)
  })
})

describe('any other unknown option is warned about', () => {
  for (const name of ['ttl', 'name', 'store', 'saveUninitialized', 'x']) {
    it(`by name and session, once: ${name}`, async () => {
      const found = await warningsOf([{ sessionName: 'main', key: newKey(), [name]: 'x' }, { sessionName: 'other', key: newKey() }])
      assert.deepEqual(found.map(({ code, level }) => [code, level]), [['FST_SEALED_SESSION_WARN_OPTION_UNKNOWN', 40]])
      assert.match(found[0]!.msg, new RegExp(`session "main": option "${name}" is not known and has no effect; remove it`))
    })
  }

  for (const name of ['httpOnly', 'secure', 'sameSite', 'path', 'domain', 'maxAge', 'expires', 'signed', 'partitioned']) {
    it(`with the place where it belongs, if it is an attribute of the cookie: ${name}`, async () => {
      const found = await warningsOf({ key: newKey(), [name]: 'x' })
      assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_OPTION_UNKNOWN'])
      assert.match(found[0]!.msg, new RegExp(`option "${name}" .* under "cookie": \\{ cookie: \\{ ${name}: … \\} \\}`))
    })
  }

  it('but not what the options inherit, or have under a symbol', async () => {
    const options = Object.assign(Object.create({ expirey: 1, inherited: 2 }) as object, { key: newKey(), [Symbol('expirey')]: 3 })
    assert.deepEqual(await warningsOf(options), [])
  })
})

describe('two sessions', () => {
  const taken: Record<string, [options: object[], message: RegExp]> = {
    'with one sessionName': [[{ sessionName: 'a' }, { sessionName: 'b' }, { sessionName: 'a', cookieName: 'c' }], /^sessionName "a" is used by two sessions$/],
    'with the default sessionName': [[{}, { cookieName: 'c' }], /^sessionName "session" is used by two sessions$/],
    'with the default sessionName given and left out': [[{ sessionName: 'session' }, { cookieName: 'c' }], /^sessionName "session" is/],
    'with one cookieName': [[{ sessionName: 'a', cookieName: 'c' }, { sessionName: 'b', cookieName: 'c' }], /^cookieName "c" is used by two sessions$/],
    "with the cookieName of one that is the other's sessionName": [[{ sessionName: 'a' }, { sessionName: 'b', cookieName: 'a' }], /^cookieName "a" is/]
  }
  for (const [what, [sessions, message]] of Object.entries(taken)) {
    it(`${what} are refused, by that name`, async () => {
      const error = await rejection(sessions.map(session => ({ key: newKey(), ...session })))
      assert.equal(error.code, 'FST_SEALED_SESSION_NAME_TAKEN')
      assert.match(error.message, message)
      assert.match(error.hint, /its own sessionName and its own cookieName/)
    })
  }

  for (const [what, second] of Object.entries({
    sessionName: { sessionName: 'a', cookieName: 'c' }, cookieName: { sessionName: 'b', cookieName: 'a' }
  })) {
    it(`with one ${what}, registered one after the other, are refused`, async () => {
      const { app } = prepare({ key: newKey(), sessionName: 'a' })
      app.register(secureSession, { key: newKey(), ...second })
      await assert.rejects(async () => await app.ready(), (error: { code?: string }) => /^FST_/.test(error.code ?? ''))
    })
  }

  it('whose names differ in case only, or are exchanged, are accepted', async () => {
    assert.deepEqual(await warningsOf([{ sessionName: 'a', key: newKey() }, { sessionName: 'A', key: newKey() }]), [])
    assert.deepEqual(await warningsOf([{ sessionName: 'a', cookieName: 'b', key: newKey() }, { sessionName: 'b', cookieName: 'a', key: newKey() }]), [])
  })
})

describe("a sessionName that is a property of Fastify's request is refused, since the session would hide it", () => {
  const names = ['body', 'cookies', 'headers', 'hostname', 'id', 'ip', 'log', 'method', 'params', 'protocol', 'query', 'raw', 'server', 'signCookie', 'url']
  for (const sessionName of names) {
    it(sessionName, async () => {
      assert.match((await rejection({ key: newKey(), sessionName })).code, /^FST_/)
    })
  }
})
