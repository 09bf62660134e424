/* global document, FormData, window */
// Sends what is pressed to the server, and asks it for the session. The cookie is HttpOnly: this
// script never reads it, it is told.
import { inTurn, post, request, say } from './client.js'
import { show, showLeft, showStory } from './views.js'
import { problemWords, resultOf } from './words.js'

/** Why an action makes no sense now, or null. */
const OBSTACLES = {
  read: needsSession,
  touch: needsSession,
  grow: needsSession,
  shrink: () => needsSession() ?? (state.data.cart === undefined ? 'The cart is empty: put a book in first.' : null),
  tamper: () => state.cookies.length === 0 ? 'There is no cookie to tamper with: log in first.' : null,
  replay: () => previous.length === 0 ? 'There is no copied cookie yet: change something first.' : null,
  steal: needsSession,
  retire: () => state.keys.length === 1 ? 'There is only one key: add a new one first.' : null,
  logout: needsSession,
  'logout-everywhere': needsSession
}

/** What the server said last. */
let state = null
/** The cookies before those that the browser has now: what a thief may have copied. */
let previous = []
/** The cookies that the thief has; null before. */
let stolen = null

function needsSession () {
  return state.data === null ? 'There is no session: log in first.' : null
}

async function act (action, bodyOf) {
  if (state === null) await refresh() // the server did not answer when the page was loaded
  const obstacle = OBSTACLES[action]?.()
  if (obstacle) return say(obstacle, 'neutral')
  const problem = action === 'steal' ? await steal() : action === 'read' ? null : await post(`/${action}`, bodyOf())
  await refresh()
  if (problem === null) say(...resultOf(action, state))
  else say(problemWords(problem), 'bad')
}

/** Gives the thief all cookies of this session: they are HttpOnly, so the server tells them. */
async function steal () {
  const response = await request('/device/copy', { method: 'POST' })
  const answer = await response.json()
  if (!response.ok) return answer
  stolen = answer
  return null
}

/** Tells what the thief reads with the copy; null without one. */
async function readByThief () {
  if (stolen === null) return null
  const response = await request('/thief', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(stolen) })
  return await response.json()
}

/** Asks for the state; once more if that answer brought a cookie sealed anew, to show it. */
async function refresh () {
  const first = await readState()
  const next = first.resealed === null ? first : { ...await readState(), resealed: first.resealed }
  const isNew = valuesOf(next.cookies) !== valuesOf(state?.cookies ?? [])
  if (isNew && state !== null && state.cookies.length > 0) previous = state.cookies
  state = { ...next, isNew }
  show(state, previous)
  showStory(state, await readByThief())
  for (const [action, obstacle] of Object.entries(OBSTACLES)) {
    document.querySelector(`button[data-action=${action}]`).ariaDisabled = String(obstacle() !== null)
  }
}

async function readState () {
  const response = await request('/state')
  return { ...await response.json(), resealed: response.headers.get('x-sealed-again') }
}

function valuesOf (cookies) {
  return cookies.map(({ value }) => value).join()
}

/** Counts down, and asks the server once the session should be over. */
function tick () {
  if (!state?.limits) return
  const { limits } = state
  showLeft(limits)
  if (limits[limits.first].endsAt <= Date.now()) inTurn(() => lookAgain('ended'))
}

/** Tells what became of the session where nobody pressed anything: it expired, or another device ended it. */
async function lookAgain (action) {
  const before = state?.info.status
  await refresh()
  if (state.info.status !== before) say(...resultOf(action, state))
}

document.addEventListener('submit', event => {
  event.preventDefault()
  const { target } = event
  inTurn(() => act(target.dataset.action, () => Object.fromEntries(new FormData(target))))
})

document.addEventListener('click', event => {
  const { action } = event.target.closest('button[data-action]')?.dataset ?? {}
  if (action === undefined) return
  inTurn(() => act(action, () => action === 'replay' ? { values: previous.map(({ value }) => value) } : {}))
})

// Who comes back from the other device sees what it did.
window.addEventListener('focus', () => inTurn(() => lookAgain('load')))

setInterval(tick, 1000)

await inTurn(() => lookAgain('load'))
