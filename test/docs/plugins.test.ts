// The keys that docs/guide/plugins.md names are those that the plugins use.
import csrf from '@fastify/csrf-protection'
import type { FastifyInstance } from 'fastify'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OAuth2Strategy from 'passport-oauth2'
import { newPassport, passportRequest } from '../support/passport.ts'
import { contentOf, get, readyApp, type Handler } from '../support/app.ts'
import { tableUnder } from './markdown.ts'
import { read } from './source.ts'

const HOST = 'provider.example'

/** Makes each plugin write to the session all that it can. */
async function keysUsed (): Promise<Record<string, string[]>> {
  const passport = newPassport()
  passport.use(new OAuth2Strategy({
    authorizationURL: `https://${HOST}/auth`, tokenURL: `https://${HOST}/token`, callbackURL: 'https://app.example/callback', clientID: 'app', clientSecret: 'secret', state: true, pkce: true
  }, () => assert.fail('nobody has logged in')))
  const register = (app: FastifyInstance): void => {
    app.register(passport.initialize())
    app.register(passport.secureSession())
    app.register(csrf, { sessionPlugin: '@fastify/secure-session' })
    app.get('/oauth2', { preValidation: passport.authenticate('oauth2') }, () => {})
    app.get('/refused', { preValidation: passport.authenticate('oauth2', { failureMessage: 'no', failureFlash: 'no', failureRedirect: '/' }) }, () => {})
  }
  const routes: Record<string, Handler> = {
    '/passport': async request => { await passportRequest(request).logIn('ann') },
    '/csrf': (_request, reply) => reply.generateCsrf(),
    '/flash': request => passportRequest(request).flash('notice', 'Hello.')
  }
  const app = await readyApp({ after: register, routes })
  const keysAfter = async (url: string): Promise<string[]> => Object.keys(contentOf(app, await get(app, url)) ?? {})
  return {
    '@fastify/passport': [...await keysAfter('/passport'), ...await keysAfter('/refused?error=access_denied'), 'returnTo'], // which the app writes, and passport reads
    'passport-oauth2': (await keysAfter('/oauth2')).map(key => key.replace(HOST, '')),
    '@fastify/csrf-protection': await keysAfter('/csrf'),
    '@fastify/flash': await keysAfter('/flash')
  }
}

describe('docs/guide/plugins.md', () => {
  it('names the keys that each plugin uses', async () => {
    const codesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
    const named = tableUnder(read('docs/guide/plugins.md'), '## Their keys').map(([plugin = '', keys = '']) => [
      codesIn(plugin)[0], codesIn(keys).filter(code => code !== 'authorizationURL').sort()
    ])
    const used = Object.entries(await keysUsed()).map(([plugin, keys]) => [plugin, [...new Set(keys)].sort()])
    assert.deepEqual(named, used)
  })
})
