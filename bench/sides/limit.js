// The limit: raw libsodium, JSON and base64 on prepared buffers of the right length. No session, no
// checks, no keys to choose from: nothing that uses the same primitives can be faster.
import Fastify from 'fastify'
import sodium from 'sodium-native'
import { KEY } from '../data.js'

export const name = 'limit'

export async function tokens (data) {
  const withTime = { ...data, __ts: 1760000000 }
  const length = Buffer.byteLength(JSON.stringify(withTime))
  const message = Buffer.alloc(length)
  const ciphertext = Buffer.alloc(length + 16)
  const nonce = Buffer.alloc(24)
  return {
    encode () {
      message.write(JSON.stringify(withTime))
      sodium.randombytes_buf(nonce)
      sodium.crypto_secretbox_easy(ciphertext, message, nonce, KEY)
      return `${ciphertext.toString('base64')}.${nonce.toString('base64')}`
    },
    decode (token) {
      const semicolon = token.indexOf('.')
      ciphertext.write(token.slice(0, semicolon), 'base64')
      nonce.write(token.slice(semicolon + 1), 'base64')
      if (!sodium.crypto_secretbox_open_easy(message, ciphertext, nonce, KEY)) return null
      return JSON.parse(message.toString())
    }
  }
}

/** An app whose handlers do the least that a session in a cookie can do: read the header, decode, encode, send a header. */
export async function app () {
  const app = Fastify()
  const cookie = 'session='
  let codec
  const dataOf = request => codec.decode(request.raw.headers.cookie.slice(cookie.length))
  app.get('/untouched', (_request, reply) => { reply.send('ok') })
  app.get('/read', (request, reply) => { reply.send(dataOf(request).userId) })
  app.get('/write', (request, reply) => {
    dataOf(request)
    reply.header('set-cookie', `${cookie}${codec.encode()}; Path=/; HttpOnly`).send('ok')
  })
  app.get('/login', async (request, reply) => {
    codec = await tokens(JSON.parse(request.query.data))
    reply.header('set-cookie', `${cookie}${codec.encode()}; Path=/; HttpOnly`).send('ok')
  })
  await app.ready()
  return app
}
