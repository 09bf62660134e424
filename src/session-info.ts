import { stateOf } from './session-proxy.ts'
import type { SessionInfo } from './types.ts'

/**
 * Why a session is as it is, for logs, messages to users and support. Reads only; of a request's
 * session it opens the cookie, as every use does.
 * @param session `request.session`, or what `createSecureSession` or `decodeSecureSession` returned.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION` for anything else.
 */
export function sessionInfo (session: object): SessionInfo {
  return stateOf(session).info()
}
