/* global document, location, window, history, atob */
// Puts copied cookies into this browser, and tells for how long they work.
import { inTurn, post, request, say } from './client.js'
import { byId } from './views.js'
import { reasonWords } from './words.js'

/** Milliseconds between two looks at the session. */
const POLL = 3000

const ACTIONS = {
  plant: { act: plant }
}

/** Behind the `#` once the copy is in this browser, so that the page goes on after a reload. */
const PLANTED = '#planted'

async function plant () {
  if (location.hash === PLANTED) return say('The copy is in this browser already.', 'neutral')
  const copy = copyInAddress()
  if (copy === null) return say('There is no copy in the address of this page. Make a link on the page of the session.', 'bad')
  const problem = await post('device/plant', copy)
  if (problem !== null) return say(problem.message, 'bad')
  history.replaceState(null, '', PLANTED)
  await refresh()
}

function copyInAddress () {
  try {
    return JSON.parse(atob(location.hash.slice(1)))
  } catch {
    return null // not made by the page of the session, or cut off
  }
}

async function refresh () {
  if (location.hash !== PLANTED) return say('Press the button to use the copy here.', 'neutral')
  const response = await request('device/state')
  const { user, reason, message } = await response.json()
  if (!response.ok) throw new Error(message)
  byId('state').textContent = user === null ? 'The copy is over' : 'The copy works'
  byId('state').className = `pill ${user === null ? 'rejected' : 'valid'}`
  if (user !== null) say(`The copy works: the server takes this browser for ${user}'s.`, 'good')
  else say(`The copy does not work any more: ${reason === null ? 'its cookies are gone' : reasonWords({ reason })}.`, 'bad')
}

document.addEventListener('click', event => {
  const { action } = event.target.closest('button[data-action]')?.dataset ?? {}
  if (action !== undefined) inTurn(ACTIONS[action].act)
})

window.addEventListener('focus', () => inTurn(poll))
setInterval(() => inTurn(poll), POLL)

async function poll () {
  if (location.hash === PLANTED) await refresh()
}

await inTurn(refresh)
