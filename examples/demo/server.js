// npm run demo: starts the app of app.js, and builds it anew whenever the keys change.
import { randomBytes } from 'node:crypto'
import { buildApp } from './app.js'
import { Journal } from './journal.js'
import { listen } from './listen.js'

/**
 * A key and the number that people know it by.
 * @typedef {{ number: number, bytes: Buffer }} Key
 * @typedef {[Key, ...Key[]]} Keys newest first: the first one seals, all of them open
 */

const journal = new Journal(line => process.stdout.write(line))

/**
 * They live as long as this process, so a restart ends all sessions. An app of yours reads its keys
 * from a file or the environment.
 * @type {Keys}
 */
let keys = [createKey(1)]
let app = start()

/** @param {number} number */
function createKey (number) {
  return { number, bytes: randomBytes(32) }
}

async function start () {
  const app = buildApp({ keys, journal, rotateKey, dropOldKeys })
  await app.ready()
  return app
}

/**
 * The plugin reads its keys at registration, so other keys take another app. It goes behind the same
 * HTTP server: requests under way end in the old app, later ones wait until the new one is ready.
 * @param {Keys} newKeys
 * @returns the number of the key that seals from now on
 */
async function useKeys (newKeys) {
  keys = newKeys
  app = start()
  await app
  return newKeys[0].number
}

/** Step one of a rotation: a new key seals, the older ones still open. */
async function rotateKey () {
  return await useKeys([createKey(keys[0].number + 1), ...keys])
}

/** Step two, once the older keys have sealed nothing that is still needed. */
async function dropOldKeys () {
  return await useKeys([keys[0]])
}

const { log } = await app
try {
  const url = await listen(async (request, response) => (await app).routing(request, response))
  console.log(`\nThe demo of fastify-sealed-session runs at\n\n  ${url}\n\nCtrl+C ends it. What the server does:\n`)
  log.info('started: key 1 seals, made for this run')
} catch (error) {
  console.error(`The demo cannot start: ${/** @type {Error} */ (error).message}\nChoose another port with the environment variable PORT.`)
  process.exitCode = 1
}
