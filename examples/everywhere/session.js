// Options that all servers share, at the edge too: no server opens the cookie of another if they differ.

export const session = {
  // For http://localhost. Over TLS, leave it out: the cookie is then "Secure", and named "__Host-session".
  cookie: { secure: 'auto' }
}

/** Store keys begin with it: apps that share a Redis need one each. */
export const PREFIX = 'everywhere:'

/** The user whose session it is. */
export function subject (session) {
  return session.get('user')
}
