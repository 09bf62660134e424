// Logins of the run whose Redis goes away.

let number = 0

/** Logs in a user whom nobody else is, and reads the id of the session, which is given when it is sealed. */
export async function login (server) {
  const user = `user-${number++}`
  const { status, cookies } = await server.request({ method: 'POST', path: `/login/${user}`, cookie: '' })
  if (status !== 200) throw new Error(`a login to ${server.name} was answered with ${status}`)
  const cookie = cookies[0].split(';')[0]
  const { text: id } = await server.request({ method: 'GET', path: '/id', cookie })
  return { user, cookie, id }
}

/** Ends a session by its id. @throws if that is not answered with 200 */
export async function end (server, { id }) {
  const { status } = await server.request({ method: 'POST', path: `/end/${id}`, cookie: '' })
  if (status !== 200) throw new Error(`the end of a session was answered with ${status} by ${server.name}`)
}

/** Answer to a request that reads a session: `in`, `out`, or the status. */
export async function read (server, { user, cookie }) {
  const { status, text } = await server.request({ method: 'GET', path: '/me', cookie })
  if (status !== 200) return String(status ?? 'no answer')
  return text === user ? 'in' : text === 'nobody' ? 'out' : `taken for ${text}`
}
