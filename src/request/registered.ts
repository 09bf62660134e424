import type { Extensions } from './extension.ts'
import type { SessionManager } from './manager.ts'
import type { RouteWarnings } from './route-warnings.ts'
import type { SessionCookie } from './session-cookie.ts'

/** One session of the app, as it was registered. */
export interface Registered {
  /** What makes its states. */
  manager: SessionManager
  /** What writes its cookie. */
  cookie: SessionCookie
  warnings: RouteWarnings
  /** Where a request keeps its own. */
  slot: symbol
  /** Null without any. */
  extensions: Extensions | null
}
