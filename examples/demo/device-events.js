// What the channel fastify-sealed-session:device says, by session. A message names no session: the request does, during
// which it was published.
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'

/** Events that are kept of a session, and sessions. */
const KEPT = { events: 20, sessions: 100 }

/**
 * An event, and how often it came in a row.
 * @typedef {{ time: number, event: string, reason: string | null, count: number }} Event
 * @typedef {import('node:http').IncomingMessage} Request
 */

export class DeviceEvents {
  /** @type {AsyncLocalStorage<Request>} */
  #answered = new AsyncLocalStorage()
  /** @type {WeakMap<Request, Event[]>} */
  #heard = new WeakMap()
  /** @type {Map<string, Event[]>} */
  #kept = new Map()

  constructor () {
    subscribe('fastify-sealed-session:device', message => this.#hear(/** @type {import('fastify-sealed-session/device').SessionDeviceMessage} */ (message)))
  }

  /**
   * Answers a request. The channel is heard meanwhile.
   * @param {Request} request
   * @param {() => void} answer
   */
  during (request, answer) {
    this.#answered.run(request, answer)
  }

  /** @param {import('fastify-sealed-session/device').SessionDeviceMessage} message */
  #hear ({ event, reason }) {
    const request = this.#answered.getStore()
    if (request !== undefined) this.#heard.set(request, [...this.heard(request), { time: Date.now(), event, reason, count: 1 }])
  }

  /**
   * Events of a request.
   * @param {Request} request
   */
  heard (request) {
    return this.#heard.get(request) ?? []
  }

  /**
   * @param {string} session any text that stays the same for a session
   * @param {Event[]} events
   */
  keep (session, events) {
    let kept = this.of(session)
    for (const event of events) {
      const last = kept[0]
      const isAgain = last?.event === event.event && last.reason === event.reason
      kept = isAgain ? [{ ...event, count: last.count + 1 }, ...kept.slice(1)] : [event, ...kept]
    }
    this.#kept.delete(session) // so that it is the newest
    this.#kept.set(session, kept.slice(0, KEPT.events))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > KEPT.sessions && oldest !== undefined) this.#kept.delete(oldest)
  }

  /**
   * Events of a session, the newest first.
   * @param {string} session
   */
  of (session) {
    return this.#kept.get(session) ?? []
  }
}
