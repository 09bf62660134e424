// npm run demo: starts the app of app.js with a key that is made for this run.
import { Keyring, generateKey } from 'fastify-sealed-session'
import { buildApp } from './app.js'
import { Journal } from './journal.js'
import { listen } from './listen.js'

const journal = new Journal(line => process.stdout.write(line))

// The keys live as long as this process, so a restart ends all sessions. An app of yours reads its
// keys from a file: `await Keyring.fromFile('keys', { watch: true })`.
const keyring = new Keyring(generateKey())

const app = await buildApp({ keyring, journal })
await app.ready()

try {
  const url = await listen(app.routing)
  console.log(`\nThe demo of fastify-sealed-session runs at\n\n  ${url}\n\nCtrl+C ends it. What the server does:\n`)
  app.log.info(`started: key ${keyring.ids[0]} seals, made for this run`)
} catch (error) {
  console.error(`The demo cannot start: ${/** @type {Error} */ (error).message}\nChoose another port with the environment variable PORT.`)
  process.exitCode = 1
}
