import { stringifySetCookie } from 'cookie'
import type { Serialize } from '../cookies/set-cookie.ts'

/**
 * Serializer of `@fastify/cookie`, which is that of the package `cookie`: without the plugin, which needs Node.js.
 * @see cookies/cookie-serializer.ts, in whose place this is at the edge.
 */
export async function loadSerializer (): Promise<Serialize> {
  return (name, value, { encode, ...attributes }) => stringifySetCookie({ ...attributes, name, value } as Parameters<typeof stringifySetCookie>[0], { encode: encode ?? undefined } as object)
}
