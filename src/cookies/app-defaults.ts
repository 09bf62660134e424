import { types } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'

/** The part of a reply that is read here. */
interface Reply {
  setCookie: (this: never, name: string, value: string) => unknown
  server: unknown
}

/**
 * Attributes that the app has its own `@fastify/cookie` apply to every cookie (`parseOptions`), and that
 * plugin's own defaults; null if they cannot be found out.
 *
 * That plugin keeps its options to itself, so a cookie is set on a stand-in for a reply, and the attributes
 * that it would have been written with are read back. Session cookies are not set with `reply.setCookie`
 * itself because it relies on the plugin's parsing hook: with `hook: false`, or if a request ends before that
 * hook, its `onSend` hook returns early and a cookie set after it is lost.
 */
export function appCookieDefaults (reply: Reply): CookieSerializeOptions | null {
  const plain = defaultsOver('http', reply)
  // The plugin resolves `secure: 'auto'` before it can be read back.
  const isAuto = plain !== null && plain.secure !== defaultsOver('https', reply)?.secure
  return isAuto ? { ...plain, secure: 'auto' } : plain
}

function defaultsOver (protocol: string, reply: Reply): CookieSerializeOptions | null {
  const { server } = reply
  // The plugin's own method: a wrapper that an app put around it on the reply would set a real cookie.
  const { setCookie } = Object.getPrototypeOf(reply) as Reply
  const standIn: Record<PropertyKey, unknown> = {
    server,
    request: { raw: { headers: {} }, protocol },
    signCookie: (value: string) => value
  }
  setCookie.call(standIn as never, 'name', '')
  for (const property of Reflect.ownKeys(standIn)) {
    const pending = standIn[property]
    if (types.isMap(pending)) {
      const [cookie] = pending.values() as Iterable<{ opts?: CookieSerializeOptions } | undefined>
      if (typeof cookie?.opts === 'object') return cookie.opts
    }
  }
  return null
}
