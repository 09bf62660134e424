// Whether an answer is what the user must get. Says what is wrong, or null, and keeps the model of the
// user up to date.

/** What a change makes of the data of a session. */
export const CHANGES = {
  write: data => ({ ...data, count: data.count + 1 }),
  nested: data => ({ ...data, list: [...data.list, data.list.length] }),
  grow: data => ({ ...data, text: 'x'.repeat(3000) }),
  shrink: data => ({ ...data, text: '' })
}

/** What asks the store to revoke: where that fails, nobody can say whether it was done. */
const ENDS = new Set(['login', 'logout', 'everywhere'])

/** What came of a request that was answered with 503 since the store could not be asked. */
export const UNAVAILABLE = { away: '503, Redis was away', slow: '503, Redis did not answer in time' }

/** What came of a revoked cookie that a process took which goes on without the store. */
export const LET_IN = "revoked cookie let in by 'accept'"

/**
 * @param visit `kind`, `user`, `server`, `span` of time, and for a login the `login`
 * @param isAway whether Redis was away in that span, or was just coming back
 * @returns `outcome`, and what is wrong in `finding` or null
 */
export function judge (visit, answer, isAway) {
  const { kind, user } = visit
  if (answer.failed !== undefined || answer.status !== 200) {
    if (ENDS.has(kind)) user.isUnsure = true
    return failure(visit, answer, isAway)
  }
  if (visit.garbage !== undefined && visit.garbage !== 'planted') return judgeGarbage(answer)
  return JUDGES[kind](visit, answer, isAway)
}

function failure ({ kind, garbage }, { failed, status, text }, isAway) {
  if (failed !== undefined) return { outcome: 'failed', finding: `no answer: ${failed}` }
  const isUnavailable = status === 503 && text.includes('FST_SEALED_SESSION_STORE_UNAVAILABLE')
  const mayBe = kind !== 'untouched' && (garbage === undefined || garbage === 'planted')
  if (isUnavailable && mayBe) return { outcome: isAway ? UNAVAILABLE.away : UNAVAILABLE.slow, finding: null }
  return { outcome: 'failed', finding: `status ${status}` }
}

const good = outcome => ({ outcome, finding: null })
const bad = finding => ({ outcome: 'wrong', finding })

function judgeGarbage ({ text, cookies }) {
  if (text !== '{}') return bad('garbage opened')
  return cookies.length === 0 ? good('garbage refused') : bad('garbage was answered with a cookie')
}

/** @param expected what the session holds after the request */
function judgeSession ({ user, span, server }, { text, cookies }, expected) {
  const must = user.expects(span)
  if (text === '{}') {
    const hadEnded = user.data === null
    user.ended()
    if (must === 'open') return bad('session lost')
    return cookies.length > 0 ? bad('a cookie without a session') : good(hadEnded ? 'no session' : 'expired')
  }
  if (must === 'closed' && user.mayReturn && server.acceptsErrors) return good(LET_IN)
  if (must === 'closed') return bad('session open after its end')
  return text === JSON.stringify(expected) ? good('session') : bad('wrong session')
}

function judgeRead (visit, answer) {
  const { user, span } = visit
  const result = judgeSession(visit, answer, user.data)
  if (result.outcome !== 'session' || answer.cookies.length === 0) return result
  user.resealed(span)
  return good('session, sealed again')
}

function judgeChange (visit, answer) {
  const { user, kind, span } = visit
  const next = user.data === null ? null : CHANGES[kind](user.data)
  const result = judgeSession(visit, answer, next)
  if (result.outcome !== 'session') return result
  // A logout that had no answer in time may have reached the store later.
  if (answer.cookies.length === 0) return user.isUnsure ? good('revoked meanwhile') : bad('a write without a cookie')
  user.wrote(next, span)
  return good('session, written')
}

function judgeLogin ({ user, login, span }, { text, cookies }) {
  user.began(login, span)
  if (text !== JSON.stringify(login)) return bad('wrong session')
  return cookies.length > 0 ? good('login') : bad('a login without a cookie')
}

function judgeLogout ({ user }, { text, cookies }) {
  user.ended()
  if (text !== '{}') return bad('a logout that left something')
  return cookies.every(line => line.includes('Max-Age=0')) ? good('logout') : bad('a logout with a cookie')
}

/** Somebody sends a cookie again after its session has ended. */
function judgeReplay ({ server }, { text }) {
  if (text === '{}') return good('revoked cookie refused')
  // Whether the store failed for that process will be known at the end.
  return server.acceptsErrors ? good(LET_IN) : bad('revoked cookie opened')
}

function judgeUntouched (_visit, { text, cookies }) {
  return text === 'hello' && cookies.length === 0 ? good('not touched') : bad('a session that nobody touched was sent')
}

const JUDGES = {
  read: judgeRead,
  write: judgeChange,
  nested: judgeChange,
  grow: judgeChange,
  shrink: judgeChange,
  login: judgeLogin,
  logout: judgeLogout,
  everywhere: judgeLogout,
  replay: judgeReplay,
  untouched: judgeUntouched
}
