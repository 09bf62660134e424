import { format } from 'node:util'
import { MAX_TOKEN_LENGTH } from './token/format.ts'
import type { Format, RefusalReason } from './types.ts'

/**
 * Warnings of likely mistakes that do not keep the app from starting. Written to `fastify.log.warn` as `{
 * code }` with the message, at registration unless the message is about a request. If an app has no logger,
 * they go to `process.emitWarning`.
 */
export const WARNINGS = {
  FST_SEALED_SESSION_WARN_EXPIRY: 'session "%s": expiry is %s, the default of %s seconds applies; leave it out or give a number of seconds',
  FST_SEALED_SESSION_WARN_EXPIRY_TOO_LONG: 'session "%s": options({ expiry: %s }) is longer than "maxExpiry", so %s seconds apply; give a shorter one, or raise "maxExpiry"',
  FST_SEALED_SESSION_WARN_ROLLING: 'session "%s": with "rolling" and without "absoluteTimeout" a session that is used never ends, a stolen one neither; set "absoluteTimeout" to the seconds after which everybody has to log in again',
  FST_SEALED_SESSION_WARN_SALT: 'session "%s": no salt given, the built-in one applies, which is the same in every installation; set "salt" to 16 random bytes of your own',
  FST_SEALED_SESSION_WARN_KEY_AND_SECRET: 'session "%s": both key and secret are given, the key is used; remove "secret"',
  FST_SEALED_SESSION_WARN_KEY_EPHEMERAL: 'session "%s": no key is given and NODE_ENV is not production, so this process has made one: sessions end when it ends, and no other process opens them; create a key with "npx fastify-sealed-session keygen --hex" and give it as "key"',
  FST_SEALED_SESSION_WARN_ENV_MISSING: 'the environment variable %s is not set and NODE_ENV is not production, so this process has made a key: sessions end when it ends, and no other process opens them; create a key with "npx fastify-sealed-session keygen --hex" and put it into the variable',
  FST_SEALED_SESSION_WARN_KEY_CONSTANT: 'session "%s": all bytes of %s are equal, so anyone can guess it; create a random one with "npx fastify-sealed-session keygen"',
  FST_SEALED_SESSION_WARN_KEY_FILE_MODE: 'session "%s": the key file %s has mode %s: %s; set its mode to 0600, or to 0640 if the app reads it through its group',
  FST_SEALED_SESSION_WARN_KEY_SHARED: 'sessions "%s" and "%s" share a key and are not told apart by their tokens, so one opens as the other; give each its own key, or take format "sealed" for both, without "secretbox" in "accept" and with different contexts',
  FST_SEALED_SESSION_WARN_WASM: 'libsodium runs as WebAssembly in place of the addon "sodium-native" (%s); tokens are the same, but take longer',
  FST_SEALED_SESSION_WARN_OPTION_UNKNOWN: 'session "%s": option "%s" is not known and has no effect; %s',
  FST_SEALED_SESSION_WARN_ROUTE_CONFIG: 'route %s: its config.session %s, which has no effect on sessions; write "config: { session: { extend: false } }", or give what is meant for the app another name',
  FST_SEALED_SESSION_WARN_MILLISECONDS: 'session "%s": %s is %s seconds, which are %s days, and looks like milliseconds; if it is, give %s',
  FST_SEALED_SESSION_WARN_EXPIRY_CUT: 'session "%s": %s is %s seconds, but "absoluteTimeout" ends the session %s seconds after it began; raise "absoluteTimeout" or leave it out, and give other sessions a shorter "expiry"',
  FST_SEALED_SESSION_WARN_COOKIE_TEXT: 'session "%s": %s is text and counts as %s; give a boolean, such as process.env.NAME === "true"',
  FST_SEALED_SESSION_WARN_COOKIE_PATH: 'session "%s": the path of the cookie "%s" does not begin with a slash, so browsers ignore it and send the cookie back only below the path that set it; write "path: \'/\'"',
  FST_SEALED_SESSION_WARN_PATH_MISSING: 'session "%s": the cookie "%s" has no path and was set by %s, so browsers send it back only to URLs that begin with %s; write "path: \'/\'"',
  FST_SEALED_SESSION_WARN_PROXY: 'session "%s": the cookie "%s" was set without "Secure" although a proxy says that the request came over TLS (x-forwarded-proto); set "trustProxy" of Fastify to the addresses of your proxies (it trusts no number of hops), have the last proxy send one "https", or write "secure: true"',
  FST_SEALED_SESSION_WARN_ENVIRONMENT: 'a proxy says that a request came over TLS (x-forwarded-proto), but NODE_ENV is not production, so the cookie of session "%s" has no prefix and is not "Secure"; set NODE_ENV to production where users come, or "trustProxy" of Fastify while you develop behind a proxy',
  FST_SEALED_SESSION_WARN_COOKIE_REFUSED: 'session "%s": browsers will refuse the cookie "%s": %s',
  FST_SEALED_SESSION_WARN_PRODUCTION: 'session "%s": NODE_ENV is production, and the options of the cookie "%s" leave out what protects it: %s',
  FST_SEALED_SESSION_WARN_MAX_AGE: 'session "%s": browsers keep the cookie "%s" for another time than it is valid: %s',
  FST_SEALED_SESSION_WARN_MAX_CHUNKS: 'session "%s": with maxChunks %s its cookies may have %s bytes, but this server takes %s bytes of headers in all and would then answer every request of that browser with status 431; start Node.js with a larger --max-http-header-size, or lower maxChunks',
  FST_SEALED_SESSION_WARN_VALUE_CHANGED: 'session "%s": the value of %s is %s, and comes back as %s at the next request; store text, numbers, booleans, null, arrays and plain objects, or give the session a "serializer"',
  FST_SEALED_SESSION_WARN_WRITE_LOST: 'session "%s" was written after the headers of %s were sent or its WebSocket was opened, so the change is lost; write before reply.send(), and for a WebSocket in another request',
  FST_SEALED_SESSION_WARN_NOT_SENT: 'session "%s" was written, but the response of %s left without its cookie, so the change is lost: reply.hijack(), reply.raw or a plugin has sent it; before that, call "await reply.sessionCookies()" and send what it returns as the header "Set-Cookie"',
  FST_SEALED_SESSION_WARN_RENEWAL_WITHHELD: 'session "%s" was due to be sent again at %s, so that it does not expire, but shared caches may keep that response, so the cookie was left out; set Cache-Control to "private" or "no-store" there ("no-cache" and "max-age=0" do not keep shared caches from it)',
  FST_SEALED_SESSION_WARN_WRITE_IGNORED: 'session "%s" was written at %s where it cannot be used, so the write is ignored: in a log serializer or in "frameworkErrors", before it was checked or after the response; write in a hook or a handler',
  FST_SEALED_SESSION_WARN_SHARED_CACHE: 'the cookie of session "%s" is on a response of %s that shared caches may keep, which would give it to other users; set Cache-Control to "private" or "no-store" there, or leave the session as it is',
  FST_SEALED_SESSION_WARN_NOT_SEALED: 'session "%s" could not be sealed for the error response of %s either, so the browser keeps the cookie it has; in the error handler, delete() the session or what cannot be stored',
  FST_SEALED_SESSION_WARN_NOT_RENEWED: 'session "%s" was due to be sealed again at %s, which failed, so the browser keeps the cookie it has: %s',
  FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS: 'the parseOptions of @fastify/cookie could not be read, so they do not apply to session cookies; repeat them under "cookie"',
  FST_SEALED_SESSION_WARN_UNGUARDED: 'session "%s" of one context opens the tokens of session "%s" of another, and only that one has sessionRevocation, so revoked sessions are let in here; register sessionRevocation with the same store in this context, or the session once for both',
  FST_SEALED_SESSION_WARN_MEMORY_STORE: 'sessionRevocation has no store, so revocations are kept in the memory of this process: others do not know of them, and a restart brings revoked sessions back; give it a "store"',
  FST_SEALED_SESSION_WARN_MEMORY_REGISTRY: 'sessionRegistry has no store, so the sessions are listed in the memory of this process: logins at other processes, and those before a restart, are not in the list; give it a "store"',
  FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN: 'session "%s" was written in a request that did not prove its device, so the write is ignored: its cookie would take the place of a login that only waits for the proof; call regenerate() if somebody logs in',
  FST_SEALED_SESSION_WARN_DEVICE_EXPIRY: 'session "%s" lasts %s seconds, so proofs of its device count no longer: browsers ask for another 120 seconds before the end, with each request if that is over, and make six signatures in nine minutes; give it %s seconds or more, or do not bind it',
  FST_SEALED_SESSION_WARN_DEVICE_QUOTA: '%s sessions are bound to devices, and session "%s" is refreshed every %s seconds: browsers make six signatures in nine minutes for all of a site, and let requests go out unproven after that; give each an "interval" of at least 1200'
} as const

export type WarningCode = keyof typeof WARNINGS

/** Writes a warning; `values` fill the places of its message. */
export type Warn = (code: WarningCode, ...values: unknown[]) => void

/** Writes a warning to the process. */
export const warnProcess: Warn = (code, ...values) => { process.emitWarning(format(WARNINGS[code], ...values), { code }) }

/** Log of an app, as far as it is needed here. */
interface Log {
  level?: unknown
  warn: (details: { code: string }, message: string) => void
  error: unknown
  debug: unknown
}

/** Writer of warnings for an app with this log. */
export function warnerOf (log: Log): Warn {
  return (code, ...values) => {
    const message = format(WARNINGS[code], ...values)
    log.warn({ code }, message)
    if (isNoLog(log)) warnOnce(code, message)
  }
}

/**
 * True for the log of an app that was made without a logger, as Fastify and the adapter of NestJS do by
 * default: one function that does nothing for every level, and no level that anybody has chosen.
 */
export function isNoLog (log: Log): boolean {
  return log.level === undefined && log.warn === log.error && log.warn === log.debug
}

const told = new Set<string>()

/**
 * Writes a warning to the process that an app cannot log; once, since a test suite makes the same app a
 * hundred times.
 */
export function warnOnce (code: string, message: string): void {
  if (told.has(message)) return
  told.add(message)
  process.emitWarning(message, { code })
}

/** Facts known of a token when it is refused. */
export interface Refused {
  token: string
  isSigned: boolean
  format: Format
  /** Context that a sealed token has to be bound to. */
  context: string
  /** The file of keys, and the ids of those in it. */
  path: string
  ids: readonly string[]
  /** The session's own, in seconds; null if it has none. */
  lifetime: number | null
}

/**
 * Reasons to refuse a token: the line of the log at level debug, and the explanation of the command line, which says what
 * to look at. The first four lines, and that of `expired`, are @fastify/secure-session's, word for word: programs and its
 * own tests match on them. `printable` guards text from outside.
 */
export const REASONS: Record<RefusalReason, readonly [line: string, explain: (refused: Refused) => string]> = {
  malformed: ['the cookie is malformed, creating an empty session',
    ({ token }) => token === ''
      ? 'it is empty, as a cookie is that is being deleted'
      : 'it is no token, or a part of it is missing, added or changed: copy the cookie\'s value again, all of it'],
  'ciphertext-length': ['the cipher is not long enough, creating an empty session',
    () => 'the part before ";" is too short to be one: copy the cookie\'s value again, all of it'],
  'nonce-length': ['the nonce does not have the required length, creating an empty session',
    () => 'the part after ";" is not 24 bytes: copy the cookie\'s value again, all of it'],
  'not-authentic': ['unable to decrypt, creating an empty session',
    ({ format, context, token, path, ids }) => format === 'sealed'
      ? `it names key ${keyIdOf(token)} of "${path}", but was changed on the way, or sealed for another name than ${printable(context)}: try --name with the name of its cookie, or the app's "context"`
      : `sealed with another key than those of "${path}": ${ids.join(', ')}; or changed on the way`],
  expired: ['expiry reached',
    ({ lifetime }) => lifetime === null
      ? 'the app\'s option "expiry" has passed since the last write'
      : `the session's own lifetime of ${lifetime} seconds has passed since the last write`],
  'too-long': ['the cookie is too long, creating an empty session',
    ({ token }) => `it has ${token.length} characters; more than ${MAX_TOKEN_LENGTH} are never opened`],
  'format-not-accepted': ['the cookie is in a format that is not accepted, creating an empty session',
    ({ format }) => `the app's option "accept" does not have "${format}", as it has not by default with format: "sealed"`],
  'version-unknown': ['the cookie has an unknown version, creating an empty session',
    () => 'it has a version that this release does not know: a newer one has sealed it, or it is no token at all'],
  'key-unknown': ['the cookie names a key that is not known, creating an empty session',
    ({ token, path, ids }) =>
    `sealed with key id ${keyIdOf(token)}, which is not among the keys of "${path}": ${ids.join(', ')}. Find the file of the process that sealed it; a rotation may have removed the key`],
  'header-invalid': ['the cookie has an unknown header, creating an empty session',
    () => 'sealed with the key, but with a header that this release does not know: a newer one has sealed it'],
  'payload-invalid': ['the content is not a JSON object, creating an empty session',
    () => 'sealed with the key, but what it holds is not a JSON object: an app with the option "serializer" has sealed it, or another program'],
  'time-missing': ['the cookie has no time, creating an empty session',
    () => 'sealed with the key, but without the time of the last write, "__ts": another program has sealed it'],
  'time-in-future': ['the cookie is from the future, creating an empty session',
    () => 'the last write lies more than 60 seconds ahead: compare the clocks of the servers'],
  'schema-invalid': ['the content does not fit the schema, creating an empty session',
    () => 'what it holds does not fit the app\'s option "schema", which is not checked here: a version of the app with another schema may have sealed it'],
  'signature-invalid': ['the signature is missing or wrong, creating an empty session',
    ({ isSigned }) => isSigned
      ? 'its cookies are signed, and the signature, which is not checked here, is wrong'
      : 'its cookies are signed, and this one has no signature'],
  'chunk-missing': ['a part of a cookie that was split is missing, creating an empty session',
    () => 'it is one of the cookies that a large session was split over: give all of them, as the whole Cookie header or their Set-Cookie lines'],
  revoked: ['the session was revoked, creating an empty session',
    () => 'where the app has sessionRevocation, it may have been ended on the server, of which nothing shows in a token'],
  'stamp-changed': ['the stamp of the user has changed, creating an empty session',
    () => 'where the app has sessionRevocation with the option "stamp", its user may have another stamp since, such as after a new password'],
  'device-unproven': ['the session is bound to a device, which has not proved itself, creating an empty session',
    () => 'it is bound to a device: an app opens it beside the proof of that device, in a cookie of its own, and only with the plugin deviceBinding'],
  'device-required': ['the session is not bound to a device, creating an empty session',
    () => 'where the app has deviceBinding with policy "require", it opens for a short time only, as it is not bound to a device']
}

/** Line of the log that says why a token was refused. */
export function refusalMessage (reason: RefusalReason): string {
  return `@fastify/secure-session: ${REASONS[reason][0]}`
}

const ENDS: Partial<Record<RefusalReason, string>> = { revoked: 'was revoked', 'stamp-changed': 'has an old stamp', expired: 'has expired', 'key-unknown': 'lost its key', 'device-unproven': 'lacks the proof of its device' }

/** Words for the end of a session that was opened, such as 'was revoked'. */
export function endOfSession (reason: RefusalReason): string {
  return ENDS[reason] ?? 'ended'
}

/** Explanation of a reason, and what to look at. */
export function explainRefusal (reason: RefusalReason, refused: Refused): string {
  return REASONS[reason][1](refused)
}

/** Id of the key that a sealed token names: the four bytes after its version. */
function keyIdOf (token: string): string {
  return Buffer.from(token.slice(0, 8), 'base64url').toString('hex', 1, 5)
}

/** Characters that a terminal takes for a command, or that turn the direction of text. */
const COMMANDS = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** Value as JSON that is safe to show: data that users wrote into their session may be meant for the terminal. */
export function printable (value: unknown, indent = 0): string {
  return visible(JSON.stringify(value, null, indent))
}

/** Text that is safe to show: an argument or the name of a file may be meant for the terminal, too. Line breaks stay. */
export function visible (text: string): string {
  return text.replace(COMMANDS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
