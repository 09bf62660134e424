import createError from '@fastify/error'

/**
 * Errors that this package throws: message, advice, and a status code if it is not 500. A message is one printf-style
 * sentence: that says what was expected and what was got. The advice says what to do; it is on the error as `hint`.
 *
 * Messages marked 'as the peer' are those of @fastify/secure-session word for word, since programs match on
 * them; facts that they leave out stand in the hint.
 *
 * Keys, tokens and session values never go into either: only names, positions, types and lengths.
 */
export const ERRORS = {
  OPTIONS_INVALID: ['options%s must be an object, got %s',
    'Give the options of one session, or to register() an array with the options of each.'],
  OPTION_UNKNOWN: ['option "%s" is not known, did you mean "%s"?',
    'Correct the name. It is refused because a misspelt option would silently have no effect.'],
  OPTION_INVALID: ['option "%s" must be %s, got %s',
    'All options and their types are in docs/reference/options.md.'],
  ROUTE_CONFIG: ['route %s: its config.session cannot be used: %s',
    'Write "config: { session: { extend: false } }" for a route whose requests must not keep a session alive, and leave it out for all others.'],
  DURATION: ['option "%s" must be a finite positive number of seconds, got %s',
    'Give a positive number, not a string: Number(process.env.EXPIRY) where it comes from the environment.'],
  EXPIRY_TOO_LONG: ['an expiry of %s seconds is longer than "maxExpiry", which is %s',
    'Give a shorter expiry. If sessions may live that long, raise the option "maxExpiry" of the session.'],
  COOKIE_INVALID: ['the cookie "%s" cannot be written: %s',
    'Correct cookieName or the attribute that the message names.'],
  NAME_TAKEN: ['%s "%s" is used by two sessions',
    'Give each session its own sessionName and its own cookieName.'],
  REGISTERED_TWICE: ['the plugin is registered already in this context of the app',
    'Register it once: put all options into one call. For several sessions give an array: register(plugin, [{ sessionName: "session", … }, { sessionName: "other", … }]).'],
  BESIDE_PEER: ['another plugin has createSecureSession in this context of the app, most likely @fastify/secure-session',
    'Register one of the two: this plugin opens the sessions of @fastify/secure-session. If you need both, register each in a context of its own.'],
  COOKIE_PLUGIN_LATE: ['@fastify/cookie is registered after the session, which has registered it already',
    'Register @fastify/cookie first, then this plugin, which uses it with your options. Or leave it out: this plugin registers it for the app.'],
  NAME_RESERVED: ['sessionName "%s" is a property of requests already',
    'Choose another sessionName; it is the name under which a request has its session.'],
  KEY_MISSING: ['key or secret must specified', // as the peer
    'Create a key with "npx fastify-sealed-session keygen --out secret-key" and pass it: key: readFileSync("secret-key"). Where it comes from the environment, see whether the variable is set.'],
  KEY_TYPE: ['key must be a string or a Buffer', // as the peer
    'Pass 32 bytes as a Buffer or Uint8Array, 64 hex characters, or the bytes in base64.'],
  KEY_ITEM_TYPE: ['Key must be string or buffer%s', // as the peer
    'Pass each key as 32 bytes in a Buffer or Uint8Array, 64 hex characters, or base64.'],
  KEY_LENGTH: ['%s must be 32 bytes, got %s', // as the peer, then what was got
    'Create a key with "npx fastify-sealed-session keygen --out secret-key".'],
  KEY_TEXT: ['%s must be 32 bytes: 64 hex characters, or 43 or 44 of base64, got %s',
    'Copy the key again, or create one with "npx fastify-sealed-session keygen --hex".'],
  KEY_ID_TAKEN: ['two different keys have the id %s',
    'Create another key in place of one of them: ids of random keys meet once in 4.3 billion.'],
  KEY_UNKNOWN: ['the keyring has no key with this id',
    'Pass one of keyring.ids.'],
  KEY_LAST: ['the only key of a keyring cannot be retired',
    'Call rotate() with a new key first.'],
  ENV_MISSING: ['the environment variable %s is not set, and it has to hold the keys of the sessions',
    'Make a key with "npx fastify-sealed-session keygen --hex" and put it into the variable; put a newer one before it, with a comma.'],
  KEYRING_FOLLOWS: ['the keyring follows %s and cannot be changed otherwise',
    'Change the file: "npx fastify-sealed-session rotate FILE", or edit it. Or read it without "watch". For Keyring.from(), change what it loads, or set "refresh" to null.'],
  KEY_FILE: ['the key file %s %s',
    'Put one key a line into it, in hex or base64, newest first, or exactly 32 raw bytes.'],
  SODIUM_MISSING: ['libsodium cannot be loaded: %s',
    'Install the package again with its dependencies "sodium-native" and "libsodium-wrappers-sumo". For a bundle, see docs/guide/bundling.md.'],
  SODIUM_NOT_READY: ['the WebAssembly build of libsodium is still being loaded',
    'Await something first, such as app.ready(), createSessionCodec() or Keyring.fromFile().'],
  SECRET_TYPE: ['%s must be a string or a Buffer, got %s',
    'Pass one passphrase of at least 32 bytes, or better a random key as "key".'],
  SECRET_LENGTH: ['%s must be at least 32 bytes', // as the peer
    'Choose a longer passphrase, or better a random key: "npx fastify-sealed-session keygen --out secret-key".'],
  SALT_TYPE: ['salt must be a string or a Buffer, got %s',
    'Pass 16 bytes, for example crypto.randomBytes(16), the same at every start.'],
  SALT_LENGTH: ['salt must be length 16', // as the peer
    'Pass exactly 16 bytes, for example crypto.randomBytes(16), the same at every start.'],
  SIGNING_SECRET_MISSING: ['session "%s" has a signed cookie, but the app registered @fastify/cookie without a secret',
    'Give @fastify/cookie a secret, or leave out "signed": a session is authenticated without it.'],
  UNSIGN_MISSING: ['session "%s" has a signed cookie, and openCookies() has nothing to check a signature with',
    'Pass it: openCookies(header, app.unsignCookie), or value => unsign(value, secret) with the unsign of @fastify/cookie and the secret of the app.'],
  UNKNOWN_SESSION: ['Unknown session key.', // as the peer
    'Pass the sessionName of a session that was registered.'],
  NOT_A_SESSION: ['expected a session, got %s',
    'Pass request.session, or what createSecureSession or decodeSecureSession returned.'],
  DATA_INVALID: ['the data of a session must be an object, got %s',
    'Pass a plain object: createSecureSession({ userId: 1 }).'],
  ASSIGNED: ['request.%s cannot be replaced, got %s',
    'Set what it holds: request.session.set(key, value), or regenerate() to start afresh. A session that createSecureSession or decodeSecureSession of this app returned may be assigned, to one request.'],
  KEY_RESERVED: ['"%s" is kept by the session itself and cannot be written or removed',
    'Use another name.'],
  VALUE_UNSTORABLE: ['the session cannot be stored: %s is %s',
    'Store what JSON can hold: text, numbers, booleans, null, arrays and plain objects.'],
  SERIALIZER_FAILED: ['the session cannot be stored: stringify of its serializer %s',
    'Store what the serializer can hold. The cause of this error is what it has thrown.'],
  SCHEMA_INVALID: ['the session does not fit its schema at %s',
    'Set what the schema asks for before the response is sent, or correct the schema.'],
  SCHEMA_FAILED: ['the schema of the session %s',
    'A schema has to return a value or issues. The cause of this error is what it has thrown.'],
  SCHEMA_ASYNC: ['the schema of the session works asynchronously',
    'Take out what is asynchronous, such as a look-up in a database, and do that in a handler.'],
  HEADERS_SENT: ['reply.sessionCookies() was called after the headers were sent',
    'Call it before reply.raw.writeHead(), write() or end(), and give what it returns as the header "Set-Cookie".'],
  NOT_AWAITED: ['what reply.sessionCookies() returned was used as text, and it is a promise',
    'Await it: const cookies = await reply.sessionCookies().'],
  COOKIE_TOO_LARGE: ['the cookie of session "%s" would have %s bytes, more than fit: maxChunks is %s, for %s bytes in all (proxies often take 8 KiB a header line, Node.js 16 KiB of headers)',
    'Keep large data elsewhere and store its id in the session. Or raise maxChunks, if every proxy takes header lines (often 8 KiB) and Node.js takes headers (16 KiB) of that length.'],
  TOO_LARGE: ['the session has %s bytes of JSON, more than the %s that are opened again',
    'Keep large data elsewhere and store its id in the session.'],
  REVOCATION_ALONE: ['there is no session "%s" for sessionRevocation',
    'Register sessionRevocation after the session and in the same context, with its sessionName where it is not the first one.'],
  REVOCATION_TWICE: ['sessionRevocation is registered already',
    'Register it once in an app.'],
  STORE_SILENT: ['the store answers a failure with "nothing found": "throwOnErrors" of %s is not true',
    'Give throwOnErrors: true to Keyv and to its adapter, or revoked sessions are let in while the store is down.'],
  STORE_UNAVAILABLE: ['the revocation store failed: %s',
    'See its "cause". Until the store is back, sessions cannot be revoked, and with onStoreError "reject" not be used.', 503],
  STORE_FULL: ['the store in memory is full: it holds %s revocations that are in force',
    'Limit the rate of requests that call delete() or regenerate(). Give new MemoryStore({ maxEntries }) more room, shorten "expiry", or take another store.', 503],
  REVOKED_MEANWHILE: ['the sessions of this user were ended while this request was under way',
    'Answer it as a conflict: the user logs in again. If the request itself ends the other sessions, call "await app.revokeSubject(subject, { except: request.session })".', 409],
  ENDED: ['the session cannot be sealed, since it has ended after it was opened: %s',
    'In a request, answer it as a conflict: the user logs in again. Outside, open the token again, or begin a new session with createSecureSession().', 409],
  OVER: ['the session has ended: %s',
    'It is the reason of a signal that sessionSignal() gave you. Close what is open for this session. A client whose session goes on comes back with its cookie.', 401],
  REVOKED_AHEAD: ['sessions are revoked until %s seconds from now, so that none can begin',
    'A server whose clock is ahead has revoked them: correct the clocks, then wait, or remove "sealed-session:all" or the subject\'s key from the store.', 503],
  NOT_CHECKED: ['the session was used before it was checked for revocation',
    'Use it in hooks that are registered after sessionRevocation, and register that in the same context as the session. Before you assign a session of decodeSecureSession to a request, ask for it: await app.isSessionRevoked(session). Change it only after you have assigned it.'],
  NO_ID: ['the session has no id, so it cannot be revoked',
    'Pass one of the sessionName that sessionRevocation was registered for.'],
  ID_INVALID: ['the id of a session is 22 characters of base64url, got %s',
    'Pass it as sessionInfo(session).id shows it. One that came from a browser may be anything: answer this error as it is.', 400],
  SUBJECT_TYPE: ['the subject of a session must be text that is not empty, an array of such, or nothing if nobody is logged in, got %s',
    'Make text of it in the option "subject": session => session.userId === undefined ? undefined : String(session.userId).'],
  SUBJECT_LIMIT: ['a session has at most %s subjects of at most %s characters each, got %s',
    'Return in the option "subject" only those by which you end sessions. Of a long one, return a hash.'],
  SUBJECT_MISSING: ['%s needs the option "subject"',
    'Tell sessionRevocation whose a session is: subject: session => session.get("userId")?.toString().'],
  SUBJECT_NOBODY: ['the session is nobody\'s',
    'Nobody is logged in: answer it as such, before you call revokeOtherSessions() or restampSession().', 401],
  STAMP_MISSING: ['restampSession needs the option "stamp"',
    'Tell sessionRevocation what changes with the password of a user: stamp: async subject => (await findUser(subject))?.passwordHash.'],
  STAMP_TYPE: ['the stamp of a user must be text, or nothing for a user who does not exist any more, got %s',
    'Make text of it in the option "stamp": async subject => String((await findUser(subject)).version).'],
  STAMP_UNAVAILABLE: ['the option "stamp" failed: %s',
    'See its "cause". Until it answers, nobody can log in, and with onStoreError "reject" sessions not be used.', 503],
  STORE_ADD: ['useOnce needs a store with "add", which stores a value only if there is none, and this one has none',
    'Take redisStore(client) or postgresStore(pool), or a MemoryStore for one process. A Keyv cannot tell who was first.'],
  ONCE_ID: ['useOnce needs an id of 1 to 1024 characters, got %s',
    'Pass text that tells this one from all others, such as a challenge of at least 16 random bytes in base64url.'],
  METHOD_INVALID: ['the method of authenticated() must be %s, got %s',
    'Give the name of a way to authenticate, such as "password" or "totp", the same for all users.'],
  LOGIN_REQUIRED: ['nobody is logged in',
    'Answer it with the page to log in, or give requireSession() the option "redirect".', 401],
  NOT_FRESH: ['the user has not authenticated within the last %s seconds%s',
    'Ask the user to authenticate again, by the "method" of this error, and call authenticated(session, method). Or give requireFresh() the option "redirect".', 403],
  STORE_NONE: ['sessionRevocation was registered with "store: false", so there is nothing that could end a session',
    'Change what the option "stamp" returns: it ends all sessions of a user. To end single ones, give it a "store".'],
  CROSS_ORIGIN: ['the request was refused, since it comes from a page of another origin',
    'If your own pages sent it, see "Origin and Host" in docs/guide/cross-origin.md. If pages of another origin may send it, name that origin in "trustedOrigins", for the app or for this route.', 403],
  CROSS_ORIGIN_LATE: ['crossOriginProtection would not cover the routes of "%s", which was registered before it',
    'Register crossOriginProtection before the plugins that add routes.'],
  CROSS_ORIGIN_TWICE: ['crossOriginProtection is registered already, in this context of the app or around it',
    'Register it once. For routes of their own kind, use their config: { crossOriginProtection: { trustedOrigins: ["https://other.example"] } }.'],
  ORIGIN_INVALID: ['option "%s" must be an origin as browsers send it, such as "https://app.example", got %s',
    'Write the scheme in small letters, the host, and the port if it is not the default one: no path, no slash at the end, no "*". "null" cannot be trusted, since pages of any site can send it.'],
  REGISTRY_ALONE: ['there is no %s for sessionRegistry',
    'Register in this order, in the same context: the session, sessionRevocation with the option "subject", sessionRegistry. Give sessionRegistry the sessionName where it is not the first one.'],
  REGISTRY_TWICE: ['sessionRegistry is registered already',
    'Register it once in an app.'],
  REGISTRY_UNAVAILABLE: ['the store of the session registry failed: %s',
    'See its "cause". Until the store is back, sessions cannot be listed, and with onMaxSessions "refuse" nobody can log in. Everybody who is logged in stays so.', 503],
  TOO_MANY_SESSIONS: ['this user has as many sessions as are allowed, which is %s',
    'Answer it as a conflict: the user logs out elsewhere first, or an older session expires. With onMaxSessions "end-oldest" the login works, and the oldest session ends.', 409],
  DEVICE_ALONE: ['there is no session "%s" for deviceBinding',
    'Register deviceBinding after the session and in the same context, with its sessionName where it is not the first one.'],
  DEVICE_TWICE: ['deviceBinding is registered already for session "%s"',
    'Register it once for each session.'],
  DEVICE_FORMAT: ['deviceBinding cannot bind session "%s", which opens the format "secretbox" only',
    'Leave out "accept", or add "sealed" to it: bound sessions are sealed in that format, since @fastify/secure-session would open the other one without a proof.'],
  DEVICE_COOKIE: ['deviceBinding cannot bind session "%s": its cookie has "%s"',
    'Browsers bind cookies only that are sent over TLS, and not partitioned: write "secure: true", or "secure: \'auto\'", leave out "partitioned", and give the cookie a name that does not begin with __Host-Http-.'],
  DEVICE_PATH: ['the endpoint %s of deviceBinding lies outside of the path %s of the cookie, so browsers would not send it the session',
    'Give "path" a path below that of the cookie, or the cookie a path that covers it.'],
  DEVICE_SITE: ['the cookie of session "%s" has the domain "%s", of which deviceBinding cannot tell if it is that of a whole site',
    'Write "includeSite: true" if you have registered this domain, such as example.co.uk: users have to log in there. Else leave "domain" out of the cookie, or write "includeSite: false".'],
  DEVICE_NAME_TAKEN: ['the cookie "%s" of the proof of session "%s" is another session\'s',
    'Give one of the two another cookieName.'],
  DEVICE_UNPROVEN: ['a session that is bound to a device was opened without the proof of that device',
    'Look at it, and do not assign it to a request: whoever has a copy of its cookie would be let in.', 403],
  DEVICE_MISSING: ['this session has no deviceBinding',
    'Register deviceBinding for it, or call offerDeviceBinding() only where it is registered.'],
  DESCRIPTION_INVALID: ['the option "describe" must return %s',
    'Return a small plain object, such as { browser: request.headers["user-agent"] }. Do not return a promise, or all headers.'],
  TEST_APP: ['the first argument must be an instance of Fastify, got %s',
    'Pass the app that you test. Await the function that makes it. With NestJS, pass app.getHttpAdapter().getInstance().'],
  TEST_ALONE: ['this app has no session to log in to',
    'Register sealedSession in this app. If you register it in a plugin of yours, pass the app of that plugin, or wrap the plugin in fastify-plugin.'],
  TEST_ENCODING: ['the cookie "%s" cannot be given to inject() as "cookies": inject() encodes it, and the app\'s own "decode" does not undo that',
    'Give inject() the header: take browserCookies(), and join "name=value" of each of them by "; " into headers: { cookie }.']
} as const

export type ErrorName = keyof typeof ERRORS

/** Code of an error: the name of its row after the prefix of this package. */
export type ErrorCode = `FST_SEALED_SESSION_${ErrorName}`

/** An error of this package: `code` to decide by, `hint` to read. */
export interface SealedSessionError extends Error {
  code: ErrorCode
  statusCode: number
  /** Advice on what to do about it. */
  hint: string
}

type Constructor = new (...values: unknown[]) => SealedSessionError

const constructors = new Map<ErrorName, Constructor>()
for (const name of Object.keys(ERRORS) as ErrorName[]) {
  const [message, , statusCode = 500]: readonly [message: string, advice: string, statusCode?: number] = ERRORS[name]
  constructors.set(name, createError(`FST_SEALED_SESSION_${name}`, message, statusCode, statusCode === 500 ? TypeError : Error) as unknown as Constructor)
}

/**
 * Makes an error of the table, to be thrown.
 * @param values fill the places of the message; types, names and lengths only.
 * @param detail goes before the advice in the hint.
 * @param cause value that was thrown, if any. It may hold anything, keys and data too: it is not enumerable, so that
 *   a logger which copies the properties of an error leaves it out.
 */
export function fail (name: ErrorName, values: readonly unknown[] = [], { detail = '', cause }: { detail?: string | undefined, cause?: unknown } = {}): SealedSessionError {
  const SealedSessionError = constructors.get(name)! // every row has one, see above
  const error = new SealedSessionError(...values)
  const [, advice] = ERRORS[name]
  error.hint = detail === '' ? advice : `${detail} ${advice}`
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true })
  return error
}

/** Kind of a value, in words that give nothing of it away. */
export function kindOf (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (typeof value === 'undefined' || typeof value === 'boolean') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
