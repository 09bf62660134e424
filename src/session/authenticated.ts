import { kindOf, fail } from '../errors.ts'
import { stateOf } from './info.ts'
import { isMethod, MAX_METHODS, withAuthentication } from '../token/authentications.ts'
import { claimsWith, SURVIVED } from '../token/claims.ts'

/** Rule for the name of a method, in words. */
export const METHOD_RULE = '1 to 32 characters out of a-z, 0-9, "_" and "-"'

/**
 * Notes inside the seal that the user has just authenticated: at each login, and each time that you have asked for the
 * password, a passkey or a code again. The session begins a new life: it has a new id and a new beginning, and keeps
 * all of its data, its own lifetime, its binding to a device and the times of other methods. With `sessionRevocation`, the token of before ends;
 * without, a copy of it is as good as it was, but has not the new time.
 *
 * The times are in `sessionInfo(session).authentications`, and `requireFresh()` looks at them. Nothing else moves them.
 * They end with `delete()`, with `regenerate()`, and with a `regenerate(keep)` that does not keep all of the data.
 * @param session `request.session`. One outside a request takes a time as well; its old token does not end.
 * @param method name of the way in which the user has authenticated, such as `'password'` or `'totp'`; default
 * `'login'`. A session has at most 8 of them.
 * @throws `FST_SEALED_SESSION_METHOD_INVALID` for a name with other characters, and for a ninth method,
 * `FST_SEALED_SESSION_ENDED` (409) if the session has ended since the request used it first: it has expired, or was
 * revoked. `FST_SEALED_SESSION_NOT_A_SESSION` for anything else than a session.
 */
export function authenticated (session: object, method = 'login'): void {
  if (!isMethod(method)) throw fail('METHOD_INVALID', [METHOD_RULE, typeof method === 'string' ? 'other text' : kindOf(method)])
  const state = stateOf(session)
  const now = state.look()
  // It is empty by now. The proof was the user's of before, and must not be sealed for nobody.
  if (state.endedBy !== null) throw fail('ENDED', [state.endedBy])
  const claims = withAuthentication(claimsWith(state.claims, SURVIVED, null), method, now) // the new life begins later
  if (claims === null) throw fail('METHOD_INVALID', [`one of at most ${MAX_METHODS} that a session has`, 'another one'])
  state.beginAgain(claims, method)
}
