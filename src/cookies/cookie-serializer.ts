import cookiePlugin from '@fastify/cookie'
import type { Serialize } from './set-cookie.ts'

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
