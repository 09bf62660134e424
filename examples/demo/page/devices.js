/* global document, FormData, window */
// The list of the user's sessions. It asks the server again and again, and says so when this session has ended elsewhere.
import { inTurn, post, request, say } from './client.js'
import { byId, clock, element } from './views.js'
import { leftWords, reasonWords } from './words.js'

/** Milliseconds between two looks at the list. */
const POLL = 3000

/** What an action sends where, and what it has done. */
const ACTIONS = {
  confirm: { path: 'devices/confirm', done: 'Confirmed: for a minute you can end sessions.' },
  end: { path: 'devices/end', done: 'Ended: its cookie is refused from now on, and so is every copy of it.' },
  'end-others': { path: 'devices/end-others', done: 'All others are ended. This session goes on with a new id.' }
}

/** The list as the server said last; null if there is no session. */
let state = null
/** Text of the list that is on the page: it is only built anew if it changes, so that nobody loses the focus. */
let shown = ''

async function act (action, body) {
  const problem = await post(ACTIONS[action].path, body)
  await refresh()
  if (state === null) return
  if (problem === null) return say(ACTIONS[action].done, 'good')
  if (problem.code !== 'FST_SEALED_SESSION_NOT_FRESH') return say(problem.message, 'bad')
  say('Give your password first: somebody else may sit at this device.', 'neutral')
  byId('password').focus()
}

/** Asks for the list. If the session is over, there is nothing to list, and the page says why. */
async function refresh () {
  const response = await request('devices/list')
  const answer = await response.json()
  if (response.status !== 200 && response.status !== 401) throw new Error(answer.message)
  const wasThere = state !== null
  state = response.ok ? answer : null
  for (const id of ['devices', 'confirm']) byId(id).hidden = state === null
  if (state === null) return say(overWords(answer), 'bad')
  showList()
  showConfirmed()
  if (!wasThere) say('These are your sessions, the one that was seen last first.', 'neutral')
}

function overWords ({ status, reason }) {
  if (status !== 'rejected') return 'There is no session in this browser. Go back and log in.'
  return `This session is over: ${reasonWords({ reason })}. Go back and log in again.`
}

function showList () {
  const { name, limit, sessions } = state
  const text = JSON.stringify(sessions)
  byId('who').textContent = name
  byId('count').textContent = `${sessions.length} of ${limit}`
  if (text === shown) return
  shown = text
  const focused = document.activeElement.dataset.id
  byId('list').replaceChildren(...sessions.map(deviceView))
  if (focused === undefined) return
  const again = [...document.querySelectorAll('button[data-id]')].find(({ dataset }) => dataset.id === focused)
  const next = again ?? document.querySelector('button[data-action="end-others"]')
  next.focus()
}

/** A user agent is whatever somebody has sent: it goes into the page as text. */
function deviceView ({ id, description, createdAt, lastSeenAt, current }) {
  const name = element('strong', '', description?.device ?? 'unknown device')
  name.id = `device-${id}`
  return element('li', '',
    element('div', '', element('p', '', name, ' ', description?.ip ?? ''),
      element('p', 'hint', `Since ${clock(createdAt)}, last written ${clock(lastSeenAt)}`)),
    current ? element('p', 'pill valid', 'This device') : endButton(id))
}

function endButton (id) {
  const button = element('button', '', 'End')
  button.type = 'button'
  Object.assign(button.dataset, { action: 'end', id })
  button.setAttribute('aria-describedby', `device-${id}`)
  return button
}

function showConfirmed () {
  const left = state.confirmedUntil - Date.now()
  byId('confirmed').textContent = state.confirmedUntil !== null && left > 0 ? `Confirmed, ${leftWords(left)}` : ''
}

document.addEventListener('submit', event => {
  event.preventDefault()
  const { target } = event
  const body = Object.fromEntries(new FormData(target))
  target.reset()
  inTurn(() => act(target.dataset.action, body))
})

document.addEventListener('click', event => {
  const { action, id } = event.target.closest('button[data-action]')?.dataset ?? {}
  if (action !== undefined) inTurn(() => act(action, id === undefined ? {} : { id }))
})

window.addEventListener('focus', () => inTurn(refresh))
setInterval(() => inTurn(refresh), POLL)
setInterval(() => { if (state !== null) showConfirmed() }, 1000)

await inTurn(refresh)
