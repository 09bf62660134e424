import { format } from '#runtime'
import { MAX_TOKEN_LENGTH } from './token/format.ts'
import type { Format, RefusalReason } from './types.ts'

// Texts of warnings and of lines of the log. The edge goes without them, see runtime/texts.ts.

/**
 * Warnings of likely mistakes that do not keep the app from starting. Written to `fastify.log.warn` as `{
 * code }` with the message, at registration unless the message is about a request. If an app has no logger,
 * they go to `process.emitWarning`.
 */
export const WARNINGS = {
  FST_SEALED_SESSION_WARN_EXPIRY: 'session "%s": expiry is %s, so the default of %s seconds applies. Leave it out, or give a number of seconds.',
  FST_SEALED_SESSION_WARN_EXPIRY_TOO_LONG: 'session "%s": options({ expiry: %s }) is longer than "maxExpiry", so %s seconds apply. Give a shorter expiry, or raise "maxExpiry".',
  FST_SEALED_SESSION_WARN_ROLLING: 'session "%s": with "rolling" and without "absoluteTimeout" a session never ends while it is used, even if it was stolen. Set "absoluteTimeout" to the seconds after which your users have to log in again.',
  FST_SEALED_SESSION_WARN_SALT: 'session "%s": "salt" is missing, so the built-in salt applies. It is the same in every installation, which helps to guess your passphrase. Set "salt" to 16 random bytes of your own.',
  FST_SEALED_SESSION_WARN_KEY_AND_SECRET: 'session "%s": both key and secret are given, and the key is used. Remove "secret".',
  FST_SEALED_SESSION_WARN_KEY_EPHEMERAL: 'session "%s": its key is missing and NODE_ENV is not production, so this process has made a key. Its sessions end with the process, and your other processes cannot open them. Create a key with "npx fastify-sealed-session keygen --hex" and give it as "key".',
  FST_SEALED_SESSION_WARN_ENV_MISSING: 'the environment variable %s is %s and NODE_ENV is not production, so this process has made a key. Its sessions end with the process, and your other processes cannot open them. Create a key with "npx fastify-sealed-session keygen --hex" and put it into the variable.',
  FST_SEALED_SESSION_WARN_KEY_CONSTANT: 'session "%s": all bytes of %s are equal, so anyone can guess it. Create a random key with "npx fastify-sealed-session keygen".',
  FST_SEALED_SESSION_WARN_KEY_FILE_MODE: 'session "%s": the key file %s has mode %s: %s. Set its mode to 0600, or to 0640 if your app reads it through its group.',
  FST_SEALED_SESSION_WARN_KEY_SHARED: 'sessions "%s" and "%s" share a key, so a token of either session opens as the other. Give each session its own key. Or use format "sealed" for both, with different contexts and without "secretbox" in "accept".',
  FST_SEALED_SESSION_WARN_WASM: 'libsodium runs as WebAssembly in place of the addon "sodium-native" (%s). Your tokens are the same, but take longer.',
  FST_SEALED_SESSION_WARN_OPTION_UNKNOWN: 'session "%s": option "%s" is not known and has no effect; %s',
  FST_SEALED_SESSION_WARN_ROUTE_CONFIG: 'route %s: its config.session %s, which has no effect on sessions. Write "config: { session: { extend: false } }". If the value is for your app, give it a different name.',
  FST_SEALED_SESSION_WARN_MILLISECONDS: 'session "%s": %s is %s seconds, which are %s days, and looks like milliseconds. If it is, give %s.',
  FST_SEALED_SESSION_WARN_EXPIRY_CUT: 'session "%s": %s is %s seconds, but "absoluteTimeout" ends the session %s seconds after it began. Raise "absoluteTimeout", or leave it out. Then give your other sessions a shorter "expiry".',
  FST_SEALED_SESSION_WARN_COOKIE_TEXT: 'session "%s": %s is text and counts as %s. Give a boolean, such as process.env.NAME === "true".',
  FST_SEALED_SESSION_WARN_COOKIE_PATH: 'session "%s": the path of the cookie "%s" does not begin with a slash, so browsers ignore it. They send the cookie back only below the path that set it. Write "path: \'/\'".',
  FST_SEALED_SESSION_WARN_PATH_MISSING: 'session "%s": the cookie "%s" has no path and was set by %s. Browsers send it back only to URLs that begin with %s, and your session is empty at all others. Write "path: \'/\'".',
  FST_SEALED_SESSION_WARN_PROXY: 'session "%s": the cookie "%s" was set without "Secure", although a proxy says that the request came over TLS (x-forwarded-proto). Set "trustProxy" of Fastify to the addresses of your proxies: it trusts no number of hops. Your last proxy must send a single "https". Or write "secure: true".',
  FST_SEALED_SESSION_WARN_PLAIN_HTTP: 'session "%s": the cookie "%s" is "Secure", but a browser came over plain http. It drops the cookie, and your session is empty at the next request. Put TLS in front of your app. At home, use sealedSession and leave NODE_ENV unset, or write "secure: \'auto\'".',
  FST_SEALED_SESSION_WARN_ENVIRONMENT: 'a proxy says that a request came over TLS (x-forwarded-proto), but NODE_ENV is not production. The cookie of session "%s" lacks its prefix and "Secure". On your servers, set NODE_ENV to production. If you develop behind a proxy, set "trustProxy" of Fastify.',
  FST_SEALED_SESSION_WARN_COOKIE_REFUSED: 'session "%s": browsers will refuse the cookie "%s": %s',
  FST_SEALED_SESSION_WARN_PRODUCTION: 'session "%s": NODE_ENV is production, and the options of the cookie "%s" leave out its protection: %s',
  FST_SEALED_SESSION_WARN_MAX_AGE: 'session "%s": browsers keep the cookie "%s" longer or shorter than it is valid: %s',
  FST_SEALED_SESSION_WARN_MAX_CHUNKS: 'session "%s": with maxChunks %s its cookies may have %s bytes, but your server takes %s bytes of headers in all. It would then answer every request of that browser with status 431. Start Node.js with a larger --max-http-header-size, or lower maxChunks.',
  FST_SEALED_SESSION_WARN_VALUE_CHANGED: 'session "%s": the value of %s is %s, and comes back as %s at the next request. Store text, numbers, booleans, null, arrays and plain objects. Or give your session a "serializer".',
  FST_SEALED_SESSION_WARN_WRITE_LOST: 'session "%s" was written after the headers of %s were sent, it was committed or its WebSocket was opened, so the change is lost. Write before reply.send() or commit(). For a WebSocket, write in an earlier request.',
  FST_SEALED_SESSION_WARN_WRITE_DROPPED: 'session "%s": a value was set in a request of %s, and regenerate() then dropped it. Call regenerate() first, and set values after it. To keep a value, name its key: regenerate(["cart"]).',
  FST_SEALED_SESSION_WARN_GUARD_NOBODY: 'session "%s": requireSession() let a session of nobody on at %s. It has no user by your option "subject", and without "keys" each valid session is enough. Name a key that your users have: requireSession({ keys: ["userId"] }). If visitors may pass, name a key that they have.',
  FST_SEALED_SESSION_WARN_NOT_SENT: 'session "%s" was written, but the response of %s left without its cookie, so the change is lost. It was sent by reply.hijack(), reply.raw or a plugin. Before that, call "await reply.sessionCookies()" and send its result as the header "Set-Cookie".',
  FST_SEALED_SESSION_WARN_RENEWAL_WITHHELD: 'session "%s" was due to be sent again at %s, to keep it alive. Shared caches may keep that response, so the cookie was left out. Set Cache-Control to "private" or "no-store" for your route: "no-cache" and "max-age=0" let shared caches keep it.',
  FST_SEALED_SESSION_WARN_FOREIGN_METHOD: 'session "%s": %s() is a method of other packages, and your session lacks it. %s',
  FST_SEALED_SESSION_WARN_OTHER_CONTEXT: 'a handler of %s called %s() of undefined, and its requests have no session "%s". If it meant this session: you registered it inside a plugin, and Fastify keeps it there. Register it on the app that has your routes. Or wrap your plugin in fastify-plugin.',
  FST_SEALED_SESSION_WARN_WRITE_IGNORED: 'session "%s" was written at %s at a moment at which it cannot be used, so the write is ignored. This is so in a log serializer, in "frameworkErrors", before the check for revocation and after the response. Write in a hook or a handler.',
  FST_SEALED_SESSION_WARN_SHARED_CACHE: 'the cookie of session "%s" is on a response of %s that shared caches may keep. They would give the session to all users. Set Cache-Control to "private" or "no-store" for your route, or leave the session as it is.',
  FST_SEALED_SESSION_WARN_NOT_SEALED: 'session "%s" could not be sealed for the error response of %s either, so the browser keeps its old cookie. In your error handler, delete() the session, or the value that cannot be stored.',
  FST_SEALED_SESSION_WARN_NOT_RENEWED: 'session "%s" was due to be sealed again at %s, which failed, so the browser keeps its old cookie: %s',
  FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS: 'the parseOptions of @fastify/cookie could not be read, so your session cookies lack them. Repeat them in your option "cookie".',
  FST_SEALED_SESSION_WARN_UNGUARDED: 'session "%s" opens the tokens of session "%s", which has sessionRevocation in a different context. Revoked sessions are let in here. Register sessionRevocation with the same store in this context. Or register your session once for both.',
  FST_SEALED_SESSION_WARN_MEMORY_STORE: 'sessionRevocation keeps revocations in the memory of this process, since its "store" is %s. Your other processes let revoked sessions in. After a restart this process lets them in as well, and ids of useOnce() can be used again. Give it redisStore(client) or postgresStore(pool).',
  FST_SEALED_SESSION_WARN_MEMORY_REGISTRY: 'sessionRegistry lists sessions in the memory of this process, since its "store" is %s. The list and its limit lack logins at your other processes and those before a restart. Give it redisRegistry(client) or postgresRegistry(pool).',
  FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN: 'session "%s" was written in a request that did not prove its device, so the write is ignored. Its cookie would replace a login that only waits for the proof. If a user logs in, call regenerate().',
  FST_SEALED_SESSION_WARN_DEVICE_UNKNOWN: 'session "%s" was written in a request whose cookie is bound to a device, and your option "device" is missing, so the write is ignored. Its cookie would replace a login that cannot be seen here. Give createWebSessions "device: true", or what deviceBinding has in your app. If a user logs in, call regenerate().',
  FST_SEALED_SESSION_WARN_DEVICE_EXPIRY: 'session "%s" lasts %s seconds, so proofs of its device count no longer than that. Browsers ask for a new proof 120 seconds before the end, and then with each request. They make six signatures in nine minutes. Give your session %s seconds or more, or do not bind it.',
  FST_SEALED_SESSION_WARN_DEVICE_QUOTA: '%s sessions are bound to devices, and session "%s" is refreshed every %s seconds. Browsers make six signatures in nine minutes for all of a site. After that, they let requests go out unproven. Give each of your sessions an "interval" of at least 1200.'
} as const

export type WarningCode = keyof typeof WARNINGS

/** Text of a warning. */
export function warningText (code: WarningCode, values: readonly unknown[]): string {
  return format(WARNINGS[code], ...values)
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
      : 'it is no token, or a part of it is missing, added or changed. Copy the value of your cookie again, all of it'],
  'ciphertext-length': ['the cipher is not long enough, creating an empty session',
    () => 'the part before ";" is too short. Copy the value of your cookie again, all of it'],
  'nonce-length': ['the nonce does not have the required length, creating an empty session',
    () => 'the part after ";" is not 24 bytes. Copy the value of your cookie again, all of it'],
  'not-authentic': ['unable to decrypt, creating an empty session',
    ({ format, context, token, path, ids }) => format === 'sealed'
      ? `it names key ${keyIdOf(token)} of "${path}", but it was changed on the way, or sealed for a name other than ${printable(context)}. Try --name with the name of your cookie, or the "context" of your app`
      : `it was changed on the way, or its key is missing among those of "${path}": ${ids.join(', ')}`],
  expired: ['expiry reached',
    ({ lifetime }) => lifetime === null
      ? 'the option "expiry" of your app has passed since the last write'
      : `the lifetime of this session, ${lifetime} seconds, has passed since the last write`],
  'too-long': ['the cookie is too long, creating an empty session',
    ({ token }) => `it has ${token.length} characters; more than ${MAX_TOKEN_LENGTH} are never opened`],
  'format-not-accepted': ['the cookie is in a format that is not accepted, creating an empty session',
    ({ format }) => `the option "accept" of your app lacks "${format}": by default it has "sealed" only, if that is your format`],
  'version-unknown': ['the cookie has an unknown version, creating an empty session',
    () => 'its version is unknown to this release. A newer release has sealed it, or it is no token at all'],
  'key-unknown': ['the cookie names a key that is not known, creating an empty session',
    ({ token, path, ids }) =>
    `its key has the id ${keyIdOf(token)}, which is missing among the keys of "${path}": ${ids.join(', ')}. Find the file of the process that sealed it. You may have removed the key in a rotation`],
  'header-invalid': ['the cookie has an unknown header, creating an empty session',
    () => 'it was sealed with the key, but its header is unknown to this release. A newer release has sealed it'],
  'payload-invalid': ['the content is not a JSON object, creating an empty session',
    () => 'it was sealed with the key, but its content is not a JSON object. An app with the option "serializer" has sealed it, or a different program'],
  'time-missing': ['the cookie has no time, creating an empty session',
    () => 'it was sealed with the key, but without the time of the last write, "__ts". A different program has sealed it'],
  'time-in-future': ['the cookie is from the future, creating an empty session',
    () => 'the last write lies more than 60 seconds ahead. Compare the clocks of your servers'],
  'schema-invalid': ['the content does not fit the schema, creating an empty session',
    () => 'its content may not fit the option "schema" of your app, which this command cannot check. A version of your app with an older schema may have sealed it'],
  'signature-invalid': ['the signature is missing or wrong, creating an empty session',
    ({ isSigned }) => isSigned
      ? 'its cookies are signed, and the signature is wrong. This command cannot check it'
      : 'its cookies are signed, and this token has no signature'],
  'chunk-missing': ['a part of a cookie that was split is missing, creating an empty session',
    () => 'it is a part of a large session, which was split over several cookies. Give all of them: the whole Cookie header, or their Set-Cookie lines'],
  revoked: ['the session was revoked, creating an empty session',
    () => 'if your app has sessionRevocation, it may have been ended on the server. The token cannot show that'],
  'stamp-changed': ['the stamp of the user has changed, creating an empty session',
    () => 'if your app has sessionRevocation with the option "stamp", the stamp of its user may have changed, such as with a new password'],
  'device-unproven': ['the session is bound to a device, which has not proved itself, creating an empty session',
    () => 'it is bound to a device. An app with the plugin deviceBinding opens it beside the proof of that device, which is a cookie of its own'],
  'device-required': ['the session is not bound to a device, creating an empty session',
    () => 'it is not bound to a device. If your app has deviceBinding with policy "require", it opens for a short time only']
}

/** Line of the log for a reason. */
export function refusalText (reason: RefusalReason): string {
  return REASONS[reason][0]
}

/** Explanation of a reason, and what to look at: whole sentences, of which the first goes on after a colon. */
export function explainRefusal (reason: RefusalReason, refused: Refused): string {
  return `${REASONS[reason][1](refused)}.`
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
