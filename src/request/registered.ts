import type { Extensions } from './extension.ts'
import type { SessionManager } from './manager.ts'
import type { RouteWarnings } from './route-warnings.ts'
import type { SessionCookie } from './session-cookie.ts'

/** One session of the app, as it was registered. */
export interface Registered {
  /** Maker of its states. */
  manager: SessionManager
  /** Writer of its cookie. */
  cookie: SessionCookie
  warnings: RouteWarnings
  /** Key under which a request keeps its own. */
  slot: symbol
  /** Null without any. */
  extensions: Extensions | null
}
