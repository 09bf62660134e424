// Pages of the app, as HTML.

/** Policy of the pages: no other site frames them, and no script or style runs but those named here. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
<title>Your devices</title>
<main>${content}</main>
</html>`
  return reply.type('text/html; charset=utf-8').headers({ 'cache-control': 'no-store', 'content-security-policy': POLICY }).send(page.text)
}

const PASSWORD = html`<label>Password <input name="password" type="password" autocomplete="current-password" required></label>`

/** Reasons that a user may be told. The others, such as a broken seal, help only those who forge cookies. */
const REASONS = new Map([
  ['expired', 'Your session has expired.'],
  ['revoked', 'This session was ended: on another of your devices, by a logout, or since the password was changed.']
])

/** @param {{ reason?: string | null, name?: string }} state */
export function loginPage ({ reason, name }) {
  const said = name === undefined ? REASONS.get(reason ?? '') : 'Wrong name or password.'
  return html`<h1>Log in</h1>
<p role="status">${said ?? ''}</p>
<form method="post" action="/login">
  <label>Name <input name="name" autocomplete="username" value="${name ?? ''}" required></label> ${PASSWORD} <button>Log in</button>
</form>`
}

export function confirmPage (said = 'Please give your password again, then go on.') {
  return html`<h1>Is it you?</h1>
<p role="status">${said}</p>
<form method="post" action="/confirm">${PASSWORD} <button>Confirm</button></form>`
}

/** @param {string} said */
export function messagePage (said) {
  return html`<p role="status">${said}</p>
<p><a href="/">Back to your devices</a></p>`
}

/** @param {{ user: string, sessions: import('fastify-sealed-session/registry').ListedSession[] }} state */
export function devicesPage ({ user, sessions }) {
  return html`<script type="module" src="/watch.js"></script>
<h1>Your devices</h1>
<p>You are logged in as ${user}.</p>
<ul>${sessions.map(deviceItem)}</ul>
<form method="post" action="/end-others"><button>End all others</button></form>
<h2>New password</h2>
<p>It ends all other sessions.</p>
<form method="post" action="/password">${PASSWORD}
  <label>New password <input name="next" type="password" autocomplete="new-password" minlength="8" required></label> <button>Change</button>
</form>
<form method="post" action="/logout"><button>Log out</button></form>`
}

/** @param {import('fastify-sealed-session/registry').ListedSession} session */
function deviceItem ({ id, description, createdAt, lastSeenAt, current }) {
  const { device, ip } = /** @type {{ device: string, ip: string }} */ (description ?? { device: 'unknown', ip: '' })
  return html`
  <li><b>${device}</b> ${ip}<br>Since ${createdAt.toUTCString()}, last seen ${lastSeenAt.toUTCString()} ${current
    ? html`<em>This device</em>`
    : html`<form method="post" action="/end"><input type="hidden" name="id" value="${id}"><button>End</button></form>`}`
}

/** Script of the list. It leaves the page as soon as the session has ended elsewhere. */
export const WATCH = `const alive = new EventSource('/alive')
alive.onerror = () => { if (alive.readyState === EventSource.CLOSED) location.assign('/login') }
`
