// Stands for your templates: the pages of the app as HTML, and their forms.
import formbody from '@fastify/formbody'
import { deviceName } from '../devices/device-name.js'

/** Policy of the pages: they run no script, send forms nowhere else, and stand in no frame. */
const POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Characters of HTML that a user name or a user agent must not bring. */
const ESCAPES = new Map([['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['"', '&quot;'], ["'", '&#39;']])

/** HTML that is safe: only `html` makes it. */
class Html {
  /** @param {string} text */
  constructor (text) { this.text = text }
}

/**
 * HTML of a template. Each value is escaped, unless it is HTML itself.
 * @param {TemplateStringsArray} parts
 * @param {Array<string | Html | Html[]>} values
 */
function html (parts, ...values) {
  return new Html(String.raw({ raw: parts }, ...values.map(inHtml)))
}

/**
 * @param {string | Html | Html[]} value
 * @returns {string}
 */
function inHtml (value) {
  if (Array.isArray(value)) return value.map(inHtml).join('')
  return value instanceof Html ? value.text : value.replace(/[&<>"']/g, character => ESCAPES.get(character) ?? '')
}

/**
 * @param {import('fastify').FastifyReply} reply
 * @param {Html} content
 */
export function sendPage (reply, content) {
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ASVS level 2</title>
<main>${content}</main>
</html>`
  return reply.type('text/html; charset=utf-8').headers({ 'cache-control': 'no-store', 'content-security-policy': POLICY }).send(page.text)
}

const PASSWORD = html`<label>Password <input name="password" type="password" autocomplete="current-password" required></label>`

/** Button that ends this session: on each page behind the login, as ASVS 7.4.4 asks. */
const LOG_OUT = html`<form method="post" action="/logout"><button>Log out</button></form>`

/** Reasons that a user may be told. The others, such as a broken seal, help only those who forge cookies. */
const REASONS = new Map([
  ['expired', 'Your session has expired.'],
  ['revoked', 'This session was ended: by you, by an administrator, or since the password was changed.'],
  ['wrong', 'Wrong name or password.']
])

/** @param {string | null} reason */
export function loginPage (reason) {
  return html`<h1>Log in</h1>
<p role="status">${REASONS.get(reason ?? '') ?? ''}</p>
<form method="post" action="/login">
  <label>Name <input name="name" autocomplete="username" required></label> ${PASSWORD} <button>Log in</button>
</form>`
}

export function confirmPage (said = 'Please give your password again, then go on.') {
  return html`${LOG_OUT}
<h1>Is it you?</h1>
<p role="status">${said}</p>
<form method="post" action="/confirm">${PASSWORD} <button>Confirm</button></form>`
}

/** @param {string} said */
export function messagePage (said) {
  return html`${LOG_OUT}
<p role="status">${said}</p>
<p><a href="/">Back to your account</a></p>`
}

/**
 * @param {string} name
 * @param {import('fastify-sealed-session/registry').ListedSession[]} sessions
 * @param {boolean} isAdmin
 */
export function accountPage (name, sessions, isAdmin) {
  return html`${LOG_OUT}
<h1>Hello ${name}</h1>
<h2>Your sessions</h2>
<ul>${sessions.map(sessionItem)}</ul>
<form method="post" action="/end-others"><button>Log out of all others</button></form>
<h2>New password</h2>
<p>It ends all other sessions.</p>
<form method="post" action="/password">
  <label>New password <input name="next" type="password" autocomplete="new-password" minlength="8" required></label> <button>Change</button>
</form>
${isAdmin ? ADMINISTRATION : ''}`
}

const ADMINISTRATION = html`<h2>Administration</h2>
<form method="post" action="/admin/end"><label>User <input name="name" autocomplete="off"></label> <button>Log this user out</button></form>
<p>Without a name, everybody is logged out.</p>`

/** @param {import('fastify-sealed-session/registry').ListedSession} session */
function sessionItem ({ id, description, createdAt, lastSeenAt, current }) {
  const { device, ip } = /** @type {{ device: string, ip: string }} */ (description)
  return html`
  <li><b>${device}</b> ${ip}<br>Since ${createdAt.toUTCString()}, last seen ${lastSeenAt.toUTCString()} ${current
    ? html`<em>This session</em>`
    : html`<form method="post" action="/end"><input type="hidden" name="id" value="${id}"><button>End</button></form>`}`
}

/**
 * Description of a login, for the list of sessions.
 * @param {import('fastify').FastifyRequest} request
 */
export function describe ({ headers, ip }) {
  return { device: deviceName(headers['user-agent']), ip }
}

/**
 * Options of a route that takes a form with these fields.
 * @param {string[]} names
 */
export function form (...names) {
  const text = { type: 'string', maxLength: 100 }
  return { schema: { body: { type: 'object', required: names, properties: Object.fromEntries(names.map(name => [name, text])) } } }
}

/**
 * Fields of a form that `form` has checked.
 * @param {import('fastify').FastifyRequest} request
 */
export function fieldsOf (request) {
  return /** @type {Record<string, string>} */ (request.body)
}

/**
 * Answers somebody who may not, and logs it. The log has no name: users type passwords into the wrong field.
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 * @param {Html} page
 */
export function refuse (request, reply, page, statusCode = 401) {
  request.log.warn({ path: request.routeOptions.url, statusCode }, 'refused')
  return sendPage(reply.code(statusCode), page)
}

/**
 * Has the app take forms, and answer an error with a page.
 * @param {Pick<import('fastify').FastifyInstance, 'register' | 'setErrorHandler'>} app
 */
export function addForms (app) {
  app.register(formbody)
  app.setErrorHandler(async (error, request, reply) => {
    const { statusCode = 500 } = /** @type {import('fastify').FastifyError} */ (error)
    if (statusCode === 409) return reply.redirect('/login', 303) // the session was ended elsewhere during this request
    request.log[statusCode >= 500 ? 'error' : 'info'](error)
    return sendPage(reply.code(statusCode), messagePage('That did not work.'))
  })
}
