// Keys: the session sees at once what happens to the keyring.
import { generateKey } from 'fastify-sealed-session'

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {import('fastify-sealed-session').Keyring} keyring
 */
export function keyRoutes (app, keyring) {
  app.post('/rotate', async (request, reply) => {
    keyring.rotate(generateKey())
    request.log.info(`rotated: key ${keyring.ids[0]} seals, the older ones still open`)
    reply.code(204)
  })

  app.post('/retire', async (request, reply) => {
    if (keyring.ids.length === 1) return reply.code(409).send({ message: 'There is only one key: add a new one first.' })
    const oldest = keyring.ids[keyring.ids.length - 1]
    keyring.retire(oldest)
    request.log.info(`retired: key ${oldest} opens nothing any more`)
    reply.code(204)
  })
}
