/* global document, location, window, btoa */
// How the session is bound to this browser's device, and a copy of its cookies to take elsewhere.
import { inTurn, post, request, say } from './client.js'
import { byId, clock, element } from './views.js'
import { BINDINGS, eventWords, leftWords, PLAIN_HTTP, reasonWords, SKIPPED } from './words.js'

/** Milliseconds between two looks at the session. */
const POLL = 3000

const ACTIONS = {
  copy: { act: copy },
  end: { act: end }
}

/** What the server said last. */
let state = null

async function copy () {
  const response = await request('device/copy', { method: 'POST' })
  const answer = await response.json()
  if (!response.ok) return say(answer.message, 'bad')
  byId('link').href = `${new URL('thief', location.href)}#${btoa(JSON.stringify(answer))}`
  byId('loot').hidden = false
  byId('link').focus()
  say('Copied. Open the link in a private window or another browser, and look at both.', 'neutral')
}

/** The next request waits until the browser has proved its key. */
async function end () {
  const problem = await post('device/end-proof', {})
  await refresh()
  if (problem !== null) return say(problem.message, 'bad')
  if (state.device?.state === 'bound') say('The proof has ended. This browser has proved its key again, and goes on. Look at the copy.', 'good')
}

async function refresh () {
  const response = await request('device/state')
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.message)
  const before = wayOf(state)
  state = answer
  const way = wayOf(state)
  const isIn = state.device !== null && state.user !== null
  byId('device').hidden = !isIn && state.device?.state !== 'unproven'
  for (const id of ['steal', 'meanwhile']) byId(id).hidden = !isIn
  if (way !== before) say(...wordsOf(way))
  if (!byId('device').hidden) show()
}

/** In which of all states the page is. */
function wayOf (state) {
  if (state === null) return null
  if (state.device === null) return 'plain'
  if (state.device.skipped !== null) return state.device.skipped
  if (state.user === null) return state.status === 'rejected' ? state.reason : 'none'
  return state.device.state
}

function wordsOf (way) {
  if (way === 'plain') return [PLAIN_HTTP, 'neutral']
  if (way === 'none') return ['There is no session in this browser. Go back and log in.', 'neutral']
  if (way === 'unbound' || way === 'bound') return [BINDINGS[way].said, BINDINGS[way].tone]
  if (way in SKIPPED) return [`This browser came without a proof, and says why: ${SKIPPED[way]}. The cookie reads as empty until it comes with one.`, 'bad']
  return [`The server refuses the session of this browser: ${reasonWords({ reason: way })}.`, 'bad']
}

function show () {
  const { user, device, proofEndsAt, events } = state
  byId('state').textContent = BINDINGS[device.state].label
  byId('state').className = `pill ${BINDINGS[device.state].pill}`
  byId('meaning').textContent = BINDINGS[device.state].meaning
  const proof = device.state === 'bound'
    ? [['Bound', `since ${clock(device.boundAt)}`], ['Proven', `last at ${clock(device.provenAt)}`], ['Proof', leftWords(proofEndsAt - Date.now())]]
    : []
  const rows = user === null ? proof : [['User', user], ...proof]
  byId('facts').replaceChildren(...rows.map(([name, words]) => element('div', '', element('dt', '', name), element('dd', '', words))))
  byId('no-events').hidden = events.length > 0
  byId('events').replaceChildren(...events.map(event =>
    element('li', '', element('div', '', eventWords(event)), element('time', 'hint', clock(event.time)))))
}

document.addEventListener('click', event => {
  const { action } = event.target.closest('button[data-action]')?.dataset ?? {}
  if (action !== undefined) inTurn(ACTIONS[action].act)
})

window.addEventListener('focus', () => inTurn(refresh))
setInterval(() => inTurn(refresh), POLL)

await inTurn(refresh)
