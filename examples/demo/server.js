// npm run demo: starts the app of app.js with a key that is made for this run. `npm run demo -- --tls` serves it over TLS.
import { Keyring, generateKey } from 'fastify-sealed-session'
import { buildApp } from './app.js'
import { browserHint, makeCertificate } from './certificate.js'
import { DeviceEvents } from './device-events.js'
import { Journal } from './journal.js'
import { listen } from './listen.js'
import { Proofs } from './proofs.js'

const journal = new Journal(line => process.stdout.write(line))

// The keys live as long as this process, so a restart ends all sessions. An app of yours reads its
// keys from a file: `await Keyring.fromFile('keys', { watch: true })`.
const keyring = new Keyring(generateKey())

const events = new DeviceEvents()
const proofs = new Proofs()

try {
  const certificate = process.argv.includes('--tls') ? makeCertificate() : null
  const app = await buildApp({ keyring, journal, events, proofs, isTls: certificate !== null })
  await app.ready()
  const url = await listen((request, response) => {
    proofs.remove(request)
    events.during(request, () => app.routing(request, response))
  }, certificate)
  console.log(`\nThe demo of fastify-sealed-session runs at\n\n  ${url}\n\n${certificate === null ? '' : `${browserHint(certificate)}\n\n`}Ctrl+C ends it. What the server does:\n`)
  app.log.info(`started: key ${keyring.ids[0]} seals, made for this run`)
} catch (error) {
  const { message, syscall } = /** @type {NodeJS.ErrnoException} */ (error)
  const advice = syscall === 'listen' ? '\nChoose another port with the environment variable PORT.' : ''
  console.error(`The demo cannot start: ${message}${advice}`)
  process.exitCode = 1
}
