// What the tests against the real peer share: the peer and this package, each behind the same
// Fastify app, with cookies passing between them as headers.
import cookiePlugin, { type FastifyCookieOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest, LightMyRequestResponse } from 'fastify'
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import secureSession, { type FastifySecureSession, type Session } from '../../src/index.ts'
import { readyApp } from './app.ts'

/** The peer. Loaded without its types, which declare `request.session` too, as another type. */
const peer = createRequire(import.meta.url)('@fastify/secure-session') as FastifySecureSession

export const PLUGINS = { peer, ours: secureSession }
export type Side = keyof typeof PLUGINS
export const SIDES: readonly Side[] = ['peer', 'ours']

/** Who writes and who reads. */
export const DIRECTIONS: ReadonlyArray<readonly [writer: Side, reader: Side]> = [['peer', 'ours'], ['ours', 'peer']]

/** Options of one session; a record, since the tests also give what the types forbid. */
export type Options = Record<string, unknown>

/** How an app is set up, the same for both sides. */
export interface PeerSetup {
  options: Options | Options[]
  /** The app registers `@fastify/cookie` itself, with these options. */
  cookie?: FastifyCookieOptions
}

export type Values = Record<string, unknown>
/** The session of a request, with properties of any name. */
export type AnySession = Session & Values
export type Work = (session: AnySession, request: FastifyRequest, reply: FastifyReply) => unknown

/** An app with one route, whose handler each visit brings along. */
export interface Server {
  app: FastifyInstance
  /** One request. The response is what `work` returns, as JSON; an error fails the test. */
  visit: (work: Work, cookie?: string, headers?: Record<string, string>) => Promise<LightMyRequestResponse>
}

/** @param after runs once the plugin is registered, before the app is ready. */
export async function serverOf (side: Side, { options, cookie }: PeerSetup, after?: (app: FastifyInstance) => unknown): Promise<Server> {
  let work: Work = () => undefined
  const app = await readyApp({
    server: { trustProxy: true },
    before: app => cookie !== undefined && app.register(cookiePlugin, cookie),
    plugin: PLUGINS[side],
    session: copyOf(options),
    after,
    routes: { '/': async (request, reply) => JSON.stringify(await work(sessionNamed(request, 'session'), request, reply)) ?? 'null' }
  })

  const visit: Server['visit'] = async (next, cookieHeader, headers = {}) => {
    work = next
    const response = await app.inject({ url: '/', headers: cookieHeader === undefined ? headers : { ...headers, cookie: cookieHeader } })
    assert.equal(response.statusCode, 200, response.body)
    return response
  }
  return { app, visit }
}

/** One server a side, with the same setup. */
export async function bothSides (setup: PeerSetup): Promise<Record<Side, Server>> {
  return { peer: await serverOf('peer', setup), ours: await serverOf('ours', setup) }
}

/** A copy for one side: the peer changes the objects that it is given. */
function copyOf (options: Options | Options[]): Options | Options[] {
  if (Array.isArray(options)) return options.map(entry => copyOf(entry) as Options)
  const copy = { ...options }
  for (const name of ['cookie', 'cookieOptions']) {
    if (name in copy) copy[name] = { ...copy[name] as object }
  }
  return copy
}

/** The session of a request under another name than `session`. */
export function sessionNamed (request: FastifyRequest, name: string): AnySession {
  return (request as unknown as Record<string, AnySession>)[name]!
}

/** A `Set-Cookie` line without its value, as name and attributes in alphabetical order. */
export function attributesOf (line: string): string[] {
  const [pair = '', ...attributes] = line.split('; ')
  return [pair.slice(0, pair.indexOf('=')), ...attributes.sort()]
}
