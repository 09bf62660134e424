// A server component reads the session. It cannot set cookies, so it must not write to it: no commit.
import { headers } from 'next/headers'
import { getSessions } from '../sessions.js'

export default async function Page () {
  // This comes first: it makes Next.js render the page for each request. The build has no Redis.
  const request = { headers: await headers() }
  const session = await (await getSessions()).open(request)
  const user = session.get('user')
  return <h1>{user === undefined ? 'Nobody is logged in' : `Hello ${user}, ${session.get('visits') ?? 0} visits`}</h1>
}
