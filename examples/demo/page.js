/* global document, fetch, FormData */
// Shows what the server says about the session. The cookie is HttpOnly: this script never reads it,
// it is told.

/** What a browser takes, in bytes. */
const COOKIE_LIMIT = 4096

const STATUS = {
  none: { label: 'No cookie', content: 'Nothing: there is no cookie yet.' },
  open: { label: 'Opened', content: '' },
  refused: { label: 'Refused', content: 'Nothing: the cookie is refused, so the session is empty.' }
}

/** What happened, in words: by the action, then by what became of the session. */
const RESULTS = {
  load: {
    none: () => 'No session yet. Log in to get a sealed cookie.',
    open: () => 'Welcome back: the server opened your cookie.',
    refused: () => 'Your browser sent a cookie that this server refuses, perhaps of an earlier run. Log in again.'
  },
  login: { open: () => 'Logged in. Your session is sealed into the cookie; the server kept nothing.' },
  visit: { open: ({ data }) => `Visit ${data.visits} is in the session. Every write seals a new cookie.` },
  logout: { none: () => 'Logged out, and the browser dropped its cookie. A copy would still open until it expires: put the previous cookie back to see it.' },
  tamper: {
    open: () => 'Flipped back: the cookie is what it was, and opens again.',
    refused: () => 'One character changed and the seal is broken: the server refuses the cookie, and the session is empty.'
  },
  replay: {
    open: ({ resealed }) => resealed
      ? 'The earlier cookie opens: its key is still there. It came back sealed with the newest one.'
      : 'The earlier cookie opens: it is as the server sealed it, and has not expired.',
    refused: () => 'The earlier cookie is refused: no key of the server opens it.'
  },
  rotate: {
    open: ({ keys }) => `Key ${keys[0]} seals from now on. The older key opened your cookie, and it was sealed again with the new one.`,
    none: ({ keys }) => `Key ${keys[0]} seals from now on.`
  },
  drop: {
    open: ({ keys }) => `Only key ${keys[0]} is left. Your cookie was sealed with it, so you stay logged in. Put the previous cookie back to see an older one refused.`,
    none: ({ keys }) => `Only key ${keys[0]} is left.`
  }
}

/** Why an action makes no sense now, or null. */
const OBSTACLES = {
  tamper: () => state.cookie === null ? 'There is no cookie to tamper with: log in first.' : null,
  replay: () => previous === null ? 'There is no earlier cookie yet: change something first.' : null,
  drop: () => state.keys.length === 1 ? 'There is only one key: add a new one first.' : null
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
  const words = RESULTS[action][state.status]
  const tone = { open: 'good', refused: 'bad', none: 'neutral' }[state.status]
  if (words !== undefined) say(words(state), tone)
  else say((RESULTS[action].none ?? RESULTS.load[state.status])(state), 'neutral')
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
  const { status, data } = state
  byId('status').textContent = STATUS[status].label
  byId('status').className = `pill ${status}`
  byId('content').textContent = data === null ? STATUS[status].content : JSON.stringify(data, null, 2)
  byId('content').classList.toggle('empty', data === null)
  showDetail()
}

/** When the session ends, or why there is none. Runs each second, for the time that is left. */
function showDetail () {
  byId('detail').textContent = state === null ? '' : detailWords(state)
}

function detailWords ({ status, reason, expiresAt }) {
  if (status === 'none') return ''
  if (status === 'refused') return `The log says why: ${reason}`
  const left = Math.floor((expiresAt - Date.now()) / 1000)
  if (left <= 0) return 'Expired: from now on the server refuses it, whoever has a copy.'
  return `Opens until ${clock(expiresAt)}, for another ${Math.floor(left / 60)} min ${left % 60} s.`
}

function showKeys () {
  byId('keys').replaceChildren(...state.keys.map((number, index) =>
    element('li', index === 0 ? 'seals' : 'opens', element('strong', '', `Key ${number}`), index === 0 ? ' seals' : ' opens')))
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

setInterval(showDetail, 1000)

try {
  await refresh()
  report('load')
} catch (error) {
  say(error.message, 'bad')
}
