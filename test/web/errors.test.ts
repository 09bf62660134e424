// Mistakes with the web entry, each with its code. No message has a secret in it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWebSessions, type WebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { newKey } from '../support/helpers.ts'

const SECRET = 'canary-canary-canary-canary-canary-canary-c'

async function ready (options: object = {}): Promise<WebSessions> {
  return await createWebSessions({ key: newKey(), ...options } as WebSessionsOptions)
}

/** A session with something to send. */
async function written (): Promise<{ commit: (headers: never) => Promise<void> }> {
  const session = await (await ready()).open({ headers: {} })
  session.set('userId', 1)
  return session as never
}

const TRIGGERS: Record<string, Record<string, () => Promise<unknown>>> = {
  FST_SEALED_SESSION_REQUEST_INVALID: {
    'no request': async () => await (await ready()).open(undefined as never),
    text: async () => await (await ready()).open(SECRET as never),
    'an object without headers': async () => await (await ready()).open({ secret: SECRET } as never)
  },
  FST_SEALED_SESSION_HEADERS_INVALID: {
    none: async () => { await (await written()).commit(undefined as never) },
    'a response': async () => { await (await written()).commit(new Response(SECRET) as never) },
    'a plain object': async () => { await (await written()).commit({ 'set-cookie': SECRET } as never) }
  },
  FST_SEALED_SESSION_HEADERS_IMMUTABLE: {
    'those of a redirect': async () => { await (await written()).commit(Response.redirect('https://app.example/', 303).headers as never) }
  },
  FST_SEALED_SESSION_WEB_OPTION_MISSING: {
    'no revocation': async () => { await (await ready()).revokeSubject(SECRET) },
    'no registry': async () => { await (await ready()).listSessions(SECRET) }
  },
  FST_SEALED_SESSION_OPTIONS_INVALID: {
    'several sessions': async () => await createWebSessions([{ key: SECRET, sessionName: 'a' }] as never),
    text: async () => await createWebSessions(SECRET as never)
  },
  FST_SEALED_SESSION_OPTION_INVALID: {
    'an empty cookieSecret': async () => await ready({ cookieSecret: '' }),
    'a cookieSecret that is a number': async () => await ready({ cookieSecret: 5 }),
    'a cookieSecret of no bytes': async () => await ready({ cookieSecret: Buffer.alloc(0) }),
    'one of no bytes in an array': async () => await ready({ cookieSecret: [Buffer.alloc(0)] }),
    'an extend that is text': async () => await (await ready()).open({ headers: {} }, { extend: 'false' } as never),
    'no cookieSecret in an array': async () => await ready({ cookieSecret: [] }),
    'a device that is text': async () => await ready({ device: SECRET })
  },
  FST_SEALED_SESSION_OPTION_UNKNOWN: {
    'a misspelt option': async () => await ready({ maxchunks: 3 }),
    'a misspelt option of open': async () => await (await ready()).open({ headers: {} }, { extends: false } as never),
    'a misspelt option of revocation': async () => await ready({ revocation: { stores: SECRET } })
  },
  FST_SEALED_SESSION_DEVICE_FORMAT: { 'devices for a format that cannot be bound': async () => await ready({ format: 'secretbox', accept: ['secretbox'], device: true }) },
  FST_SEALED_SESSION_REGISTRY_ALONE: {
    'a registry without revocation': async () => await ready({ registry: {} }),
    'a registry without a subject': async () => await ready({ registry: {}, revocation: {} })
  },
  FST_SEALED_SESSION_COOKIE_INVALID: { 'a cookie that cannot be written': async () => await ready({ cookie: { path: '/\n' } }) }
}

for (const [code, triggers] of Object.entries(TRIGGERS)) {
  describe(code, () => {
    for (const [what, trigger] of Object.entries(triggers)) {
      it(`is thrown for ${what}, with what to do`, async () => {
        const error = await trigger().then(() => assert.fail('nothing was thrown'), (error: unknown) => error) as Error & { code: string, hint: string }
        assert.equal(error.code, code, error.stack)
        assert.match(error.hint, /\w/)
        assert.doesNotMatch(`${error.message} ${error.hint}`, /canary/)
      })
    }
  })
}
