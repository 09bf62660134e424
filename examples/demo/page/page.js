/* global document, fetch, FormData */
// Shows what the server says about the session. The cookie is HttpOnly: this script never reads it,
// it is told.

/** What a browser takes, in bytes. */
const COOKIE_LIMIT = 4096

/** By what sessionInfo() says of the session. */
const STATUS = {
  new: { label: 'No cookie', content: 'Nothing: there is no cookie yet.' },
  valid: { label: 'Opened', content: '' },
  rejected: { label: 'Refused', content: 'Nothing: the cookie is refused, so the session is empty.' }
}

/** The reasons that can come up here, in words. */
const REASONS = {
  'not-authentic': 'the seal is broken: something in the cookie was changed',
  'key-unknown': 'it names a key that the server does not have, or not any more',
  expired: 'it was last written more than 15 minutes ago',
  malformed: 'it is no token at all',
  'version-unknown': 'it is of a version that the server does not know',
  'format-not-accepted': 'it is in a format that the server does not accept'
}

/** What happened, in words: by the action, then by what became of the session. */
const RESULTS = {
  load: {
    new: () => 'No session yet. Log in to get a sealed cookie.',
    valid: () => 'Welcome back: the server opened your cookie.',
    rejected: () => 'Your browser sent a cookie that this server refuses, perhaps of an earlier run. Log in again.'
  },
  login: { valid: () => 'Logged in. Your session is sealed into the cookie; the server kept nothing.' },
  visit: { valid: ({ data }) => `Visit ${data.visits} is in the session. Every write seals a new cookie.` },
  logout: { new: () => 'Logged out, and the browser dropped its cookie. A copy would still open until it expires: put the previous cookie back to see it.' },
  tamper: {
    valid: () => 'Flipped back: the cookie is what it was, and opens again.',
    rejected: () => 'One character changed and the seal is broken: the server refuses the cookie, and the session is empty.'
  },
  replay: {
    valid: ({ resealed }) => resealed
      ? 'The earlier cookie opens: its key is still there. It came back sealed with the newest one.'
      : 'The earlier cookie opens: it is as the server sealed it, and has not expired.',
    rejected: ({ info }) => `The earlier cookie is refused: ${reasonWords(info)}.`
  },
  rotate: {
    valid: ({ keys }) => `Key ${keys[0]} seals from now on. The older key opened your cookie, and it was sealed again with the new one.`,
    new: ({ keys }) => `Key ${keys[0]} seals from now on.`
  },
  retire: {
    valid: () => 'The oldest key is gone. Your cookie was sealed with a newer one, so you stay logged in. Put the previous cookie back to see an older one refused.',
    new: () => 'The oldest key is gone: what it has sealed is refused from now on.'
  }
}

/** Why an action makes no sense now, or null. */
const OBSTACLES = {
  tamper: () => state.cookie === null ? 'There is no cookie to tamper with: log in first.' : null,
  replay: () => previous === null ? 'There is no earlier cookie yet: change something first.' : null,
  retire: () => state.keys.length === 1 ? 'There is only one key: add a new one first.' : null
}

/** What the server said last. */
let state = null
/** The value of the cookie before the one that the browser has now. */
let previous = null

const byId = id => document.getElementById(id)

// Actions

async function act (action, body) {
  const obstacle = OBSTACLES[action]?.()
  if (obstacle) return say(obstacle, 'neutral')
  try {
    const problem = await post(`/${action}`, body)
    await refresh()
    if (problem === null) report(action)
    else say(problem, 'bad')
  } catch (error) {
    say(error.message, 'bad')
  }
}

/** Returns null, or what the server has against it. */
async function post (path, body) {
  const response = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  return response.ok ? null : (await response.json()).message
}

async function request (path, options) {
  try {
    return await fetch(path, options)
  } catch (cause) {
    throw new Error('The server does not answer. Is it still running?', { cause })
  }
}

/** Asks for the state; once more if that answer brought a cookie sealed anew, to show it. */
async function refresh () {
  const first = await readState()
  const next = first.resealed ? { ...await readState(), resealed: true } : first
  const [before, after] = [state?.cookie?.value ?? null, next.cookie?.value ?? null]
  if (before !== null && before !== after) previous = before
  state = { ...next, isNew: before !== after }
  show()
}

async function readState () {
  return await (await request('/state')).json()
}

function report (action) {
  const { status } = state.info
  const words = RESULTS[action][status]
  const tone = { valid: 'good', rejected: 'bad', new: 'neutral' }[status]
  if (words !== undefined) say(words(state), tone)
  else say((RESULTS[action].new ?? RESULTS.load[status])(state), 'neutral')
}

function say (text, tone) {
  byId('result').textContent = text
  byId('result').className = `result ${tone}`
}

// Views

function show () {
  showForms()
  showCookie()
  showContent()
  showKeys()
  showLog()
  for (const [action, obstacle] of Object.entries(OBSTACLES)) {
    document.querySelector(`button[data-action=${action}]`).ariaDisabled = String(obstacle() !== null)
  }
}

function showForms () {
  const { data } = state
  const focused = byId('login').contains(document.activeElement) || byId('member').contains(document.activeElement)
  const switched = byId('member').hidden === (data !== null)
  byId('login').hidden = data !== null
  byId('member').hidden = data === null
  byId('who').textContent = data?.name ?? ''
  byId('visits').textContent = data?.visits ?? ''
  showNote(data?.note ?? '')
  // Whoever pressed a button that is gone now goes on in what took its place.
  if (switched && focused) byId(data === null ? 'name' : 'note').focus()
}

/** Leaves alone what somebody is writing, unless another note is in the session. */
function showNote (note) {
  const field = byId('note')
  if (field.defaultValue !== note) field.defaultValue = field.value = note
}

function showCookie () {
  const { cookie } = state
  const changed = cookie === null ? null : changedPlace(cookie.value)
  byId('cookie').replaceChildren(...cookie === null ? ['No cookie'] : cookieParts(cookie, changed))
  byId('cookie').classList.toggle('empty', cookie === null)
  byId('change').textContent = changeWords(changed)
  const bytes = cookie?.bytes ?? 0
  byId('size').value = bytes
  byId('size-text').textContent = `${bytes} of ${COOKIE_LIMIT} bytes`
}

/** The place where a cookie differs from the previous one, if that is one character only. */
function changedPlace (value) {
  if (previous?.length !== value.length) return null
  const places = [...value].flatMap((character, index) => character === previous[index] ? [] : [index])
  return places.length === 1 ? places[0] : null
}

function cookieParts ({ name, value }, changed) {
  const label = element('span', 'label', `${name}=`)
  if (changed === null) return [label, value]
  return [label, value.slice(0, changed), element('mark', '', value.charAt(changed)), value.slice(changed + 1)]
}

function changeWords (changed) {
  if (state.cookie === null) return ''
  if (!state.isNew) return 'Unchanged'
  if (state.resealed) return 'Sealed again'
  return changed === null ? 'New cookie' : 'One character changed'
}

function showContent () {
  const { info: { status }, data } = state
  byId('status').textContent = STATUS[status].label
  byId('status').className = `pill ${status}`
  byId('content').textContent = data === null ? STATUS[status].content : JSON.stringify(data, null, 2)
  byId('content').classList.toggle('empty', data === null)
  byId('info').replaceChildren(...infoRows(state.info).flatMap(([name, ...words]) =>
    [element('dt', '', name), element('dd', '', ...words)]))
}

function infoRows (info) {
  const { status, keyId, format, createdAt, lastWriteAt, expiresAt } = info
  const reason = status === 'rejected' ? [['Reason', element('code', '', info.reason), `: ${reasonWords(info)}`]] : []
  const rows = [['Status', element('code', '', status)], ...reason]
  if (status !== 'valid') return rows
  return [
    ...rows,
    ['Key', element('code', '', keyId), state.resealed ? ' sealed it again' : ' opened it'],
    ['Format', element('code', '', format)],
    ['Created', clock(createdAt)],
    ['Last write', clock(lastWriteAt)],
    ['Expires', `${clock(expiresAt)}, `, element('span', 'left', leftWords(expiresAt))]
  ]
}

function reasonWords ({ reason }) {
  return REASONS[reason] ?? reason
}

/** The time that is left of the session. Counts down while the page is open. */
function leftWords (expiresAt) {
  const left = Math.floor((Date.parse(expiresAt) - Date.now()) / 1000)
  return left > 0 ? `in ${Math.floor(left / 60)} min ${left % 60} s` : 'which has passed: the server refuses it, whoever has a copy'
}

function showLeft () {
  const field = document.querySelector('#info .left')
  if (field !== null) field.textContent = leftWords(state.info.expiresAt)
}

function showKeys () {
  byId('keys').replaceChildren(...state.keys.map((id, index) =>
    element('li', index === 0 ? 'seals' : 'opens', 'Key ', element('code', '', id), index === 0 ? ' seals' : ' opens')))
}

function showLog () {
  byId('log').replaceChildren(...state.log.map(({ time, level, text }) =>
    element('li', level, element('time', '', clock(time)), ` ${text}`)))
  byId('log').scrollTop = byId('log').scrollHeight
}

function element (name, className, ...children) {
  const node = document.createElement(name)
  node.className = className
  node.append(...children)
  return node
}

function clock (time) {
  return new Date(time).toLocaleTimeString('en-GB')
}

// Start

document.addEventListener('submit', event => {
  event.preventDefault()
  act(event.target.dataset.action, Object.fromEntries(new FormData(event.target)))
})

document.addEventListener('click', event => {
  const button = event.target.closest('button[data-action]')
  if (button !== null) act(button.dataset.action, button.dataset.action === 'replay' ? { value: previous } : {})
})

setInterval(showLeft, 1000)

try {
  await refresh()
  report('load')
} catch (error) {
  say(error.message, 'bad')
}
