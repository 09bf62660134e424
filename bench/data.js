// What the sessions of the benchmark hold. The sizes are those of the peer's payload: the JSON with
// the time of the last write.

const user = {
  userId: 'a3f1c2d4-0000-4000-8000-123456789abc',
  email: 'jane.doe@example.com',
  role: 'admin',
  locale: 'en-GB',
  cart: [17, 4711],
  loginAt: 1760000000
}

/** Extends the user's session to a length of JSON. */
function ofLength (length) {
  const data = { ...user, permissions: [], note: '' }
  for (let i = 0; JSON.stringify(data).length < length * 0.7; i++) data.permissions.push(`project:${1000 + i}:write`)
  data.note = 'n'.repeat(Math.max(0, length - JSON.stringify(data).length))
  return data
}

export const SESSIONS = { '170 B': user, '1 KB': ofLength(1024 - 18), '2.8 KB': ofLength(2800 - 18) }

export const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex')
export const SECRET = 'a secret of more than thirty-two characters'
export const SALT = 'sixteen bytes ok'

/** Sessions that differ in length by one byte each, for means over all paddings. */
export function variations (count) {
  return Array.from({ length: count }, (_, i) => ({ ...user, email: `${'j'.repeat(i % 24)}${user.email}` }))
}
