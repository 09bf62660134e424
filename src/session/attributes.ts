import type { CookieSerializeOptions } from '@fastify/cookie'
import { readDuration } from '../options/readers.ts'
import type { SessionSettings } from './settings.ts'
import { boundLifetime, MAX_SECONDS } from '../token/lifetime.ts'
import { placeOf, type SessionRecord } from '../token/record.ts'

// Attributes that `session.options()` gives the cookie of a session: of this response, or of its whole life.

/** Attributes of a session's cookie: those of its record, and those given for this response. */
export function attributesWith ({ cookieMaxAge: maxAge, place }: SessionRecord, given: CookieSerializeOptions | null): CookieSerializeOptions | null {
  return maxAge === null && place === undefined ? given : { ...(maxAge !== null && { maxAge }), ...place, ...given }
}

/**
 * Life of a session that was given `options({ expiry })`, with the `maxAge`, `domain` and `path` beside it.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function lifeFrom (options: CookieSerializeOptions & { expiry?: unknown }, { place: before }: SessionRecord, settings: SessionSettings): Partial<SessionRecord> {
  // Rounded up, since tokens hold whole seconds: half a second must not become none.
  const seconds = readDuration({ expiry: options.expiry }, 'expiry', 0, { most: MAX_SECONDS })
  const lifetime = boundLifetime(Math.ceil(seconds), settings)
  const cookieMaxAge = options.maxAge === undefined ? null : Math.ceil(readDuration(options as Record<string, unknown>, 'maxAge', 0, { most: MAX_SECONDS }))
  if (seconds > (settings.maxExpiry ?? Infinity)) settings.tooLong?.(seconds)
  const place = placeOf(options, before)
  return { lifetime, cookieMaxAge, ...(place !== undefined && { place }) }
}

/** Attributes of a response that say nothing of how long its cookie is kept. */
export function withoutLife (attributes: CookieSerializeOptions | null): CookieSerializeOptions {
  const { maxAge, expires, ...kept } = attributes ?? {}
  return kept
}
