// What browsers refuse without telling the server.
import type { CookieSerializeOptions } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { browserRefusals } from '../../src/cookies/cookie-advice.ts'

const HOST = { secure: true, path: '/' }

describe('browserRefusals', () => {
  const fine: Array<[name: string, attributes: CookieSerializeOptions]> = [
    ['session', {}],
    ['session', { domain: 'example.com', path: '/app', secure: false }],
    ['session', { sameSite: 'lax' }],
    ['session', { sameSite: 'none', secure: true }],
    ['session', { sameSite: 'none', secure: true, partitioned: true }],
    ['session', { sameSite: false, partitioned: false }],
    ['__Host-session', HOST],
    ['__Host-session', { ...HOST, domain: '' }],
    ['__Secure-session', { secure: true }],
    ['__Secure-session', { secure: true, domain: 'example.com', path: '/app' }],
    ['__Http-session', { secure: true, httpOnly: true, domain: 'example.com', path: '/app' }],
    ['__Host-Http-session', { ...HOST, httpOnly: true }],
    ['Host-session', {}],
    ['session__Host-', {}],
    ['_Host-session', {}],
    ['__Hostsession', {}]
  ]
  for (const [name, attributes] of fine) {
    it(`has nothing against ${name} with ${JSON.stringify(attributes)}`, () => assert.deepEqual(browserRefusals(name, attributes), []))
  }

  const hostSecure = 'a name that starts with __Host- needs "secure: true"'
  const hostPath = 'a name that starts with __Host- needs "path: \'/\'"'
  const hostDomain = 'a name that starts with __Host- must not have "domain"'
  const secureSecure = 'a name that starts with __Secure- needs "secure: true"'
  const httpSecure = 'a name that starts with __Http- needs "secure: true"'
  const httpHttpOnly = 'a name that starts with __Http- needs "httpOnly: true"'
  const noneSecure = '"sameSite: \'none\'" needs "secure: true"'
  const partitionedSecure = '"partitioned: true" needs "secure: true"'

  const refused: Array<[name: string, attributes: CookieSerializeOptions, refusals: string[]]> = [
    ['__Host-session', {}, [hostSecure, hostPath]],
    ['__Host-session', { ...HOST, secure: false }, [hostSecure]],
    ['__Host-session', { ...HOST, secure: 'auto' }, [hostSecure]],
    ['__Host-session', { secure: true }, [hostPath]],
    ['__Host-session', { ...HOST, path: '/app' }, [hostPath]],
    ['__Host-session', { ...HOST, domain: 'example.com' }, [hostDomain]],
    ['__Host-', {}, [hostSecure, hostPath]],
    ['__host-session', { ...HOST, path: '' }, ['a name that starts with __host- needs "path: \'/\'"']],
    ['__Secure-session', {}, [secureSecure]],
    ['__Secure-session', { secure: 'auto' }, [secureSecure]],
    ['__SECURE-session', {}, ['a name that starts with __SECURE- needs "secure: true"']],
    ['__Http-session', { httpOnly: true }, [httpSecure]],
    ['__Http-session', { secure: true, httpOnly: false }, [httpHttpOnly]],
    ['__Host-Http-session', { ...HOST, httpOnly: false }, ['a name that starts with __Host-Http- needs "httpOnly: true"']],
    ['__host-http-session', { httpOnly: true, secure: true }, ['a name that starts with __host-http- needs "path: \'/\'"']],
    ['session', { sameSite: 'none' }, [noneSecure]],
    ['session', { sameSite: 'none', secure: 'auto' }, [noneSecure]],
    ['session', { sameSite: 'None' as never, secure: false }, [noneSecure]],
    ['session', { partitioned: true }, [partitionedSecure]],
    ['session', { partitioned: true, sameSite: 'none', secure: false }, [noneSecure, partitionedSecure]],
    ['__Host-session', { domain: 'a.b', sameSite: 'none', partitioned: true }, [hostSecure, hostPath, hostDomain, noneSecure, partitionedSecure]]
  ]
  for (const [name, attributes, refusals] of refused) {
    it(`says what to change in ${name} with ${JSON.stringify(attributes)}`, () => assert.deepEqual(browserRefusals(name, attributes), refusals))
  }
})
