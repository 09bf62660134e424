import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import { fail } from '../errors.ts'
import { resolveAttributes, type Serialize } from './set-cookie.ts'

/** Value with characters of a token and its signature that a cookie may not have, or that parsers trip over. */
const TRICKY_VALUE = 'a+b/c==;d.e'

/** Writes the cookie once, so that one that cannot be written is found at registration. @throws `FST_SEALED_SESSION_COOKIE_INVALID` */
export function assertWritable (serialize: Serialize, name: string, cookie: CookieSerializeOptions): void {
  try {
    serialize(name, TRICKY_VALUE, resolveAttributes(cookie, true))
  } catch (error) {
    throw fail('COOKIE_INVALID', [name, (error as Error).message])
  }
}

/** Runs `@fastify/cookie` by itself, in an app or what it takes for one; older versions take a callback. */
export async function loadCookiePlugin (app: object, options: object): Promise<void> {
  const run = cookiePlugin as unknown as (app: object, options: object, done: (error?: Error) => void) => Promise<void> | undefined
  await new Promise<void>((resolve, reject) => {
    run(app, options, error => { if (error === undefined) resolve(); else reject(error) })?.then(resolve, reject)
  })
}

/**
 * Serializer of `@fastify/cookie`, without an app: the one that the app beside it writes with. That plugin loads its
 * parser only when it is registered.
 */
export async function loadSerializer (): Promise<Serialize> {
  const decorators = new Map<unknown, unknown>()
  const nothing = (): void => {}
  await loadCookiePlugin({ decorate: (name: unknown, value: unknown) => { decorators.set(name, value) }, decorateRequest: nothing, decorateReply: nothing, addHook: nothing }, {})
  return decorators.get('serializeCookie') as Serialize
}
