import { createError } from '#runtime'

/**
 * Errors that this package throws: message, advice, and a status code if it is not 500. A message is one printf-style
 * sentence: it says what happened, such as the value that was expected and the kind that was got. The advice says what to
 * do, and why it matters if that is not plain; it is on the error as `hint`. scripts/plain-english.js counts the words of both.
 *
 * Messages marked 'as the peer' are those of @fastify/secure-session word for word, since programs match on
 * them; facts that they leave out stand in the hint.
 *
 * Keys, tokens and session values never go into either: only names, positions, types and lengths.
 */
export const ERRORS = {
  OPTIONS_INVALID: ['options%s must be an object, got %s',
    'Give the options of one session as an object. For several sessions, give register() an array of such objects.'],
  OPTION_UNKNOWN: ['option "%s" is not known, did you mean "%s"?',
    'Correct the name. Otherwise your app would run without this setting.'],
  OPTION_INVALID: ['option "%s" must be %s, got %s',
    'Correct the value. You find all options and their types in docs/reference/options.md.'],
  ROUTE_CONFIG: ['route %s: its config.session cannot be used: %s',
    'Write "config: { session: { extend: false } }" if requests of this route must not keep a session alive. Leave config.session out of your other routes.'],
  DURATION: ['option "%s" must be a finite positive number of seconds, got %s',
    'Give a positive number. A value from the environment is text: write Number(process.env.EXPIRY).'],
  EXPIRY_TOO_LONG: ['an expiry of %s seconds is longer than "maxExpiry", which is %s',
    'Give a shorter expiry. If your sessions may live that long, raise the option "maxExpiry".'],
  COOKIE_INVALID: ['the cookie "%s" cannot be written: %s',
    'Correct cookieName, or the attribute that the message names.'],
  NAME_TAKEN: ['%s "%s" is used by two sessions',
    'Give each session its own sessionName and its own cookieName.'],
  REGISTERED_TWICE: ['the plugin is registered already in this context of the app',
    'Register it once, with all your options in one call. For several sessions, give an array: register(plugin, [{ sessionName: "session", … }, { sessionName: "admin", … }]).'],
  BESIDE_PEER: ['another plugin has createSecureSession in this context of the app, most likely @fastify/secure-session',
    'Remove @fastify/secure-session: this plugin opens its sessions. If you need both, register each in a context of its own.'],
  VERSIONS: ['the session of this app is of version %s of fastify-sealed-session, and the plugin is of version %s',
    'Run "npm ls fastify-sealed-session @fastify/secure-session" and install one version. Import all parts of the package from one name.'],
  COOKIE_PLUGIN_LATE: ['@fastify/cookie is registered after the session, which has registered it already',
    'Register @fastify/cookie first, then this plugin, which uses it with your options. Or leave it out: this plugin registers it for your app.'],
  NAME_RESERVED: ['sessionName "%s" is a property of requests already',
    'Choose another sessionName. A request has its session under this name.'],
  KEY_MISSING: ['key or secret must specified', // as the peer
    'Create a key with "npx fastify-sealed-session keygen --out secret-key" and pass it: key: readFileSync("secret-key"). If your key comes from the environment, check that the variable is set.'],
  KEY_TYPE: ['key must be a string or a Buffer', // as the peer
    'Pass 32 bytes as a Buffer or Uint8Array, 64 hex characters, or the bytes in base64.'],
  KEY_ITEM_TYPE: ['Key must be string or buffer%s', // as the peer
    'Pass each key as 32 bytes in a Buffer or Uint8Array, 64 hex characters, or base64.'],
  KEY_LENGTH: ['%s must be 32 bytes, got %s', // as the peer, then what was got
    'Create a key with "npx fastify-sealed-session keygen --out secret-key".'],
  KEY_TEXT: ['%s must be 32 bytes: 64 hex characters, or 43 or 44 of base64, got %s',
    'Copy the key again. Or create a key with "npx fastify-sealed-session keygen --hex".'],
  KEY_ID_TAKEN: ['two different keys have the id %s',
    'Replace one of your two keys by a new one. Ids of random keys meet once in 4.3 billion.'],
  KEY_UNKNOWN: ['the keyring has no key with this id',
    'Pass an id of keyring.ids.'],
  KEY_LAST: ['the only key of a keyring cannot be retired',
    'Call rotate() with a new key first.'],
  ENV_MISSING: ['the environment variable %s is not set, and your app needs it for the keys of its sessions',
    'Make a key with "npx fastify-sealed-session keygen --hex" and put it into the variable. For a newer key later, write it in front, with a comma.'],
  KEYRING_FOLLOWS: ['the keyring follows %s and cannot be changed otherwise',
    'Change the file: edit it, or run "npx fastify-sealed-session rotate FILE". Or read your file without "watch". With Keyring.from(), change the keys that it loads, or set "refresh" to null.'],
  KEY_FILE: ['the key file %s %s',
    'Put one key a line into it, in hex or base64, newest first. Or put exactly 32 raw bytes into it.'],
  SODIUM_MISSING: ['libsodium cannot be loaded: %s',
    'Install the package again with its dependencies "sodium-native" and "libsodium-wrappers-sumo". For a bundle, see docs/guide/bundling.md.'],
  SODIUM_NOT_READY: ['the WebAssembly build of libsodium is still being loaded',
    'Await something first, such as app.ready(), createSessionCodec() or Keyring.fromFile().'],
  NOT_AT_EDGE: ['%s cannot be used at the edge',
    'This package has keys and the format "sealed" in runtimes that are not Node.js. See docs/guide/edge.md.'],
  SECRET_TYPE: ['%s must be a string or a Buffer, got %s',
    'Pass a passphrase of at least 32 bytes, or better a random key as "key".'],
  SECRET_LENGTH: ['%s must be at least 32 bytes', // as the peer
    'Choose a longer passphrase, or better a random key: "npx fastify-sealed-session keygen --out secret-key".'],
  SALT_TYPE: ['salt must be a string or a Buffer, got %s',
    'Pass 16 bytes, for example crypto.randomBytes(16). They must be the same at every start.'],
  SALT_LENGTH: ['salt must be length 16', // as the peer
    'Pass exactly 16 bytes, for example crypto.randomBytes(16). They must be the same at every start.'],
  SIGNING_SECRET_MISSING: ['session "%s" has a signed cookie, but the app registered @fastify/cookie without a secret',
    'Give @fastify/cookie a secret. Or leave out "signed": your session is authenticated without it.'],
  UNSIGN_MISSING: ['session "%s" has a signed cookie, and openCookies() cannot check its signature without "unsign"',
    'Pass it: openCookies(header, app.unsignCookie). Outside your app, pass value => unsign(value, secret), with the unsign of @fastify/cookie and the secret of your app.'],
  UNKNOWN_SESSION: ['Unknown session key.', // as the peer
    'Pass the sessionName of a session that you registered. In a hook or handler, register the session first, in the same context or around it.'],
  NOT_A_SESSION: ['expected a session, got %s',
    'Pass request.session, or a session of createSecureSession or decodeSecureSession.'],
  DATA_INVALID: ['the data of a session must be an object, got %s',
    'Pass a plain object: createSecureSession({ userId: 1 }).'],
  ASSIGNED: ['request.%s cannot be replaced, got %s',
    'Set its values: request.session.set(key, value). To start afresh, call regenerate(). You may assign a session of createSecureSession or decodeSecureSession of this app, to one request.'],
  KEY_RESERVED: ['"%s" is kept by the session itself and cannot be written or removed',
    'Use another name for your value.'],
  VALUE_UNSTORABLE: ['the session cannot be stored: %s is %s',
    'Store values that JSON can hold: text, numbers, booleans, null, arrays and plain objects. Await a promise before you store its value.'],
  SERIALIZER_FAILED: ['the session cannot be stored: stringify of its serializer %s',
    'Store values that your serializer can hold. The cause of this error is the error of the serializer.'],
  SCHEMA_INVALID: ['the session does not fit its schema at %s',
    'Set the values that your schema asks for before the response is sent. Or correct the schema.'],
  SCHEMA_FAILED: ['the schema of the session %s',
    'Correct your schema: it has to return a value or issues. If it threw an error, that is the cause of this error.'],
  SCHEMA_ASYNC: ['the schema of the session works asynchronously',
    'Take the asynchronous parts out of your schema, such as a look-up in a database. Do them in a handler.'],
  HEADERS_SENT: ['reply.sessionCookies() was called after the headers were sent',
    'Call it before reply.raw.writeHead(), write() or end(). Send its result as the header "Set-Cookie".'],
  NOT_AWAITED: ['the promise of reply.sessionCookies() was used as text',
    'Await it: const cookies = await reply.sessionCookies().'],
  COOKIE_TOO_LARGE: ['the cookie of session "%s" would have %s bytes, more than fit: maxChunks is %s, for %s bytes in all',
    'Keep your large data in a database and store its id in the session. Or raise maxChunks. Your proxies must take header lines of that length (often 8 KiB), and Node.js headers (16 KiB).'],
  TOO_LARGE: ['the session has %s bytes of JSON, more than the %s that are opened again',
    'Keep your large data in a database and store its id in the session.'],
  REVOCATION_ALONE: ['there is no session "%s" for sessionRevocation',
    'Register your session first, then sessionRevocation, in the same context. For a second session, give sessionRevocation its sessionName.'],
  REVOCATION_TWICE: ['sessionRevocation is registered already',
    'Register it once in your app.'],
  STORE_SILENT: ['the store answers a failure with "nothing found": "throwOnErrors" of %s is not true',
    'Give throwOnErrors: true to Keyv and to its adapter. Without it, revoked sessions are let in while your store is down.'],
  STORE_UNAVAILABLE: ['the revocation store failed: %s',
    'See its "cause". Until your store is back, sessions cannot be revoked. With onStoreError "reject" they cannot be used.', 503],
  STORE_FULL: ['the store in memory is full: it holds %s revocations that are in force',
    'Limit the rate of requests that call delete() or regenerate(). Give new MemoryStore({ maxEntries }) more room, shorten your "expiry", or use a store on a server.', 503],
  REVOKED_MEANWHILE: ['the sessions of this user were ended while this request was under way',
    'Answer it as a conflict: the user logs in again. If your request itself ends the sessions, call "await app.revokeSubject(subject, { except: request.session })".', 409],
  ENDED: ['the session cannot be sealed, since it has ended after it was opened: %s',
    'In a request, answer it as a conflict: the user logs in again. Outside, open the token again. Or begin a new session with createSecureSession().', 409],
  OVER: ['the session has ended: %s',
    'This is the reason of a signal that you have from sessionSignal(). Close the connections of this session. A client whose session goes on comes back with its cookie.', 401],
  REVOKED_AHEAD: ['sessions are revoked until %s seconds from now, and a session that begins now would be revoked too',
    'A server whose clock is ahead has revoked them. Correct the clocks of your servers, then wait. Or remove "sealed-session:all" or the key of the subject from your store.', 503],
  NOT_CHECKED: ['the session was used before it was checked for revocation',
    'Register sessionRevocation right after your session, in the same context, and your hooks after it. Before you assign a session of decodeSecureSession, ask: await app.isSessionRevoked(session). Change it after you have assigned it.'],
  NO_ID: ['the session has no id and cannot be revoked',
    'Pass a session of the sessionName that you gave to sessionRevocation.'],
  ID_INVALID: ['the id of a session is 22 characters of base64url, got %s',
    'Pass the id of sessionInfo(session). If it comes from a browser, answer with this error: it may be anything.', 400],
  SUBJECT_TYPE: ['the subject of a session must be text or an array of texts, or be missing if nobody is logged in, got %s',
    'Return text from your option "subject": session => session.userId === undefined ? undefined : String(session.userId). Pass text to your call as well: app.revokeSubject(String(userId)).'],
  SUBJECT_LIMIT: ['a session has at most %s subjects of at most %s characters each, got %s',
    'Return fewer subjects from your option "subject": those by which you end sessions. For a long subject, return its hash.'],
  SUBJECT_MISSING: ['%s needs the option "subject"',
    'Tell sessionRevocation the user of a session: subject: session => session.get("userId")?.toString().'],
  SUBJECT_NOBODY: ['the session belongs to no user',
    'Check that a user is logged in before you call revokeOtherSessions() or restampSession().', 401],
  STAMP_MISSING: ['restampSession needs the option "stamp"',
    'Give sessionRevocation a function whose text changes with the password of a user: stamp: async subject => (await findUser(subject))?.passwordHash.'],
  STAMP_TYPE: ['the stamp of a user must be text, or be missing for a user who was deleted, got %s',
    'Return text from your option "stamp": async subject => String((await findUser(subject)).version).'],
  STAMP_UNAVAILABLE: ['the option "stamp" failed: %s',
    'See its "cause". Until your function works again, users cannot log in. With onStoreError "reject" sessions cannot be used.', 503],
  STORE_ADD: ['useOnce needs a store with "add", which stores a value for the first request only',
    'Use redisStore(client) or postgresStore(pool), or a MemoryStore if you have one process. A Keyv cannot tell which request was first.'],
  ONCE_ID: ['useOnce needs an id of 1 to 1024 characters, got %s',
    'Pass text that is used for this purpose alone, such as a challenge. Take at least 16 random bytes in base64url.'],
  METHOD_INVALID: ['the method of authenticated() must be %s, got %s',
    'Give the name of a way to authenticate, such as "password" or "totp". Use the same name for all your users.'],
  LOGIN_REQUIRED: ['nobody is logged in',
    'Answer it with your login page. Or give requireSession() the option "redirect". In a test, log a user in: app.inject({ url, cookies: await sessionCookies(app, data) }).', 401],
  NOT_FRESH: ['the user has not authenticated within the last %s seconds%s',
    'Ask the user to authenticate again, by the "method" of this error. Then call authenticated(session, method). Or give requireFresh() the option "redirect".', 403],
  STORE_NONE: ['sessionRevocation was registered with "store: false" and cannot end a session',
    'To end all sessions of a user, change the result of your option "stamp". To end a single session, give sessionRevocation a "store".'],
  CROSS_ORIGIN: ['the request was refused, since it comes from a page of another origin',
    'If your own pages sent it, see "Origin and Host" in docs/guide/cross-origin.md. If pages of a different origin may send it, name that origin in "trustedOrigins", for your app or for this route.', 403],
  CROSS_ORIGIN_LATE: ['crossOriginProtection would not cover the routes of "%s", which was registered before it',
    'Register crossOriginProtection before the plugins that add your routes.'],
  CROSS_ORIGIN_TWICE: ['crossOriginProtection is registered already, in this context of the app or around it',
    'Register it once. For a route that differs, use its config: { crossOriginProtection: { trustedOrigins: ["https://pay.example"] } }.'],
  ORIGIN_INVALID: ['option "%s" must be an origin as browsers send it, such as "https://app.example", got %s',
    'Write the scheme in small letters, the host, and the port if it differs from the default. Leave out the path, the slash at the end and "*". You cannot trust "null": pages of any site can send it.'],
  REGISTRY_ALONE: ['there is no %s for sessionRegistry',
    'Register in this order, in the same context: your session, sessionRevocation with the option "subject", sessionRegistry. For a second session, give sessionRegistry its sessionName.'],
  REGISTRY_TWICE: ['sessionRegistry is registered already',
    'Register it once in your app.'],
  REGISTRY_UNAVAILABLE: ['the store of the session registry failed: %s',
    'See its "cause". Until your store is back, sessions cannot be listed. With onMaxSessions "refuse" users cannot log in. Users who are logged in stay so.', 503],
  TOO_MANY_SESSIONS: ['this user has as many sessions as are allowed, which is %s',
    'Answer it as a conflict: the user logs out elsewhere first, or an older session expires. With onMaxSessions "end-oldest" your users can log in, and their oldest session ends.', 409],
  DEVICE_ALONE: ['there is no session "%s" for deviceBinding',
    'Register your session first, then deviceBinding, in the same context. For a second session, give deviceBinding its sessionName.'],
  DEVICE_TWICE: ['deviceBinding is registered already for session "%s"',
    'Register it once for each of your sessions.'],
  DEVICE_FORMAT: ['deviceBinding cannot bind session "%s", which opens the format "secretbox" only',
    'Leave out "accept", or add "sealed" to it. Bound sessions use the sealed format: @fastify/secure-session would open the format "secretbox" without a proof.'],
  DEVICE_COOKIE: ['deviceBinding cannot bind session "%s": its cookie has "%s"',
    'Browsers bind a cookie if it is sent over TLS and is not partitioned. Write "secure: true" or "secure: \'auto\'" and leave out "partitioned". Give your cookie a name that does not begin with __Host-Http-.'],
  DEVICE_PATH: ['the endpoint %s of deviceBinding lies outside of the path %s of the cookie, so browsers would not send it the session',
    'Give "path" a path below the path of your cookie. Or give the cookie a path that covers it.'],
  DEVICE_SITE: ['the cookie of session "%s" has the domain "%s", and deviceBinding cannot tell if it is that of a whole site',
    'Write "includeSite: true" if you have registered this domain, such as example.co.uk. Your users have to log in there. Otherwise leave "domain" out of the cookie, or write "includeSite: false".'],
  DEVICE_NAME_TAKEN: ['the cookie "%s" of the proof of session "%s" is the cookie of another session',
    'Give one of the two sessions a different cookieName.'],
  DEVICE_UNPROVEN: ['a session that is bound to a device was opened without the proof of that device',
    'You can look at it. Do not assign it to a request: a thief with a copy of the cookie would be let in.', 403],
  DEVICE_MISSING: ['this session has no deviceBinding',
    'Register deviceBinding for it. Or call offerDeviceBinding() only for sessions that have it.'],
  REQUEST_INVALID: ['open() needs a request with headers, got %s',
    'Pass the web Request, the request of node:http, or an object with its headers: open({ headers }).'],
  HEADERS_INVALID: ['commit() needs the headers of the response, got %s',
    'Pass web Headers: response.headers, or new Headers() that you make the response with.'],
  HEADERS_IMMUTABLE: ['these headers refuse changes, so the cookie of the session cannot be put on them',
    'Responses of fetch() and of Response.redirect() have such headers. Commit to new Headers(response.headers), and make a Response with them.'],
  WEB_OPTION_MISSING: ['%s() needs the option "%s" of createWebSessions',
    'Give it the options that you give to the plugin in your app on Fastify, with the same store.'],
  DESCRIPTION_INVALID: ['the option "describe" must return %s',
    'Return a small plain object, such as { browser: request.headers["user-agent"] }. Do not return a promise, or all headers of your request.'],
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
