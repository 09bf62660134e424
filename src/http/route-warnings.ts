import type { SessionRequest } from './exchange.ts'
import type { Warn, WarningCode } from '../messages.ts'

/** Warnings of events of a session in requests: once a route, since the log would fill up otherwise. */
export class RouteWarnings {
  readonly #sessionName: string
  readonly #warn: Warn
  readonly #told = new Set<string>()

  constructor (sessionName: string, warn: Warn) {
    this.#sessionName = sessionName
    this.#warn = warn
  }

  /**
   * Writes a warning once a route. @param values fill the places of the message behind the session's name and
   * the route.
   */
  warn (code: WarningCode, { method, routeOptions }: Pick<SessionRequest, 'method' | 'routeOptions'>, ...values: unknown[]): void {
    // The route: it has nothing in it of the URL that a user sends.
    const route = `${method} ${routeOptions.url ?? '(no route)'}`
    if (this.#told.has(`${code} ${route}`)) return
    this.#told.add(`${code} ${route}`)
    this.#warn(code, this.#sessionName, route, ...values)
  }
}
