import type { CookieSerializeOptions } from '@fastify/cookie'
import { lifetimeMismatch, missingInProduction } from '../cookies/advice.ts'
import { browserRefusals } from '../cookies/attributes.ts'
import type { SessionConfig } from '../options/options.ts'
import type { Warn } from '../warnings.ts'

/** Warns of a cookie that browsers refuse, or that is too open for production. */
export function warnOfAttributes ({ sessionName, cookieName }: SessionConfig, attributes: CookieSerializeOptions, isProduction: boolean, warn: Warn): void {
  for (const refusal of browserRefusals(cookieName, attributes)) {
    warn('FST_SEALED_SESSION_WARN_COOKIE_REFUSED', sessionName, cookieName, refusal)
  }
  const missing = isProduction ? missingInProduction(attributes) : []
  if (missing.length > 0) warn('FST_SEALED_SESSION_WARN_PRODUCTION', sessionName, cookieName, missing.join('; '))
}

/** Warns of a cookie that a browser keeps for longer than its session is valid, or not at all. */
export function warnOfLifetime ({ sessionName, cookieName, expiry, absoluteTimeout }: SessionConfig, attributes: CookieSerializeOptions, warn: Warn): void {
  const mismatch = lifetimeMismatch(attributes, Math.min(expiry, absoluteTimeout ?? expiry))
  if (mismatch !== null) warn('FST_SEALED_SESSION_WARN_MAX_AGE', sessionName, cookieName, mismatch)
}
