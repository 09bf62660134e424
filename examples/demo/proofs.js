// Proofs that end before their time, so that you need not wait five minutes. An app of yours has nothing like it.

/** Proofs that are remembered. */
const KEPT = 500

export class Proofs {
  /** Cookies as they are in the header: `name=value`. @type {Set<string>} */
  #ended = new Set()
  /** By session. @type {Map<string, string[]>} */
  #copied = new Map()

  /**
   * Takes proofs that have ended out of a request, before the session looks for them.
   * @param {import('node:http').IncomingMessage} request
   */
  remove ({ headers }) {
    if (this.#ended.size === 0 || headers.cookie === undefined) return
    headers.cookie = headers.cookie.split('; ').filter(pair => !this.#ended.has(pair)).join('; ')
  }

  /**
   * Remembers a proof that is in other hands.
   * @param {string} session
   * @param {string} pair
   */
  copied (session, pair) {
    this.#copied.set(session, [...this.#copied.get(session) ?? [], pair].slice(-KEPT))
  }

  /**
   * Ends a proof, and all that were copied from its session.
   * @param {string} session
   * @param {string} pair
   */
  end (session, pair) {
    this.#ended = new Set([...this.#ended, ...this.#copied.get(session) ?? [], pair].slice(-KEPT))
    this.#copied.delete(session)
  }
}
