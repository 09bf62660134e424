/* global fetch */
// Requests to the server, one at a time, and the line that tells what came of them.
import { byId } from './views.js'

/** What is under way. One at a time: of two responses at once, the last one's cookie would win. */
let turn = Promise.resolve()

export function inTurn (attempt) {
  turn = turn.then(attempt).catch(error => say(error.message, 'bad'))
  return turn
}

/** A screen reader reads each change out, so the same again is none. */
export function say (text, tone) {
  if (byId('result').textContent === text) return
  byId('result').textContent = text
  byId('result').className = `result ${tone}`
}

/** Returns null, or what the server has against it: a code, if there is one, and a message. */
export async function post (path, body) {
  const response = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  return response.ok ? null : await response.json()
}

export async function request (path, options) {
  try {
    return await fetch(path, options)
  } catch (cause) {
    throw new Error('The server does not answer. Is it still running?', { cause })
  }
}
