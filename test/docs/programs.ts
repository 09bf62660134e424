// Makes programs out of fenced blocks. What surrounds a fragment is valid in both languages.
import type { Block } from './markdown.ts'

const IMPORTS = `
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import secureSession from 'fastify-sealed-session'
const app = Fastify()
`

const REGISTER = 'app.register(secureSession, { key: readFileSync(\'secret-key\') })\n'

const COLLECT_ROUTES = `
const urls = new Set(['/'])
app.addHook('onRoute', ({ url }) => { urls.add(url) })
`

const GET_ROUTES = `
await app.ready()
for (const url of urls) {
  const { statusCode, payload } = await app.inject(url)
  if (statusCode >= 500) throw new Error(payload)
}
`

/** Ends the connections that would keep the program running. */
const CLOSE = 'await app.close()\n'

/** The limit is long for a machine under load, and the client of the block keeps the program running. */
const USE_STORE = `
import { sessionRevocation } from 'fastify-sealed-session/revocation'
${REGISTER}app.register(sessionRevocation, { store, subject: () => '42', storeTimeout: 60 })
await app.ready()
await app.revokeSubject('42')
process.exit()
`

/** What surrounds a fragment, by the words of its `<!-- test: … -->`. */
const PRELUDES: Record<string, [before: string, after: string]> = {
  // a whole program
  '': ['', ''],
  // registers the plugin, adds hooks or routes: the app is then started, and what it answers to GET is asked
  'with app': [IMPORTS + COLLECT_ROUTES, GET_ROUTES],
  // the same, with the address of a real server in the environment
  'with app and Redis': [IMPORTS + COLLECT_ROUTES, GET_ROUTES + CLOSE],
  'with app and PostgreSQL': [IMPORTS + COLLECT_ROUTES, GET_ROUTES + CLOSE],
  // makes a `store` of revocations with a real server, which the app then uses
  'a store in Redis': [IMPORTS, USE_STORE],
  // works with `app`, which has the plugin and is ready
  'with sessions': [`${IMPORTS}${REGISTER}await app.ready()\n`, ''],
  // the body of a handler, whose answer is then printed
  'in a handler': [
    `${IMPORTS}${REGISTER}app.get('/', async (request, reply) => {\n`,
    "})\nconst answer = await app.inject('/')\nconsole.log(answer.json())\n"
  ]
}

/** The program that a block stands for. */
export function programOf ({ prelude, code }: Block): string {
  const surroundings = PRELUDES[prelude]
  if (surroundings === undefined) throw new Error(`unknown prelude "${prelude}"`)
  const [before, after] = surroundings
  // A free port in place of the documented one: the only thing that is changed in a block.
  return `${before}${code.replace('port: 3000', 'port: 0')}${after}`
}

export function isServer ({ code }: Block): boolean {
  return code.includes('.listen(')
}

/** What the comments after `console.log(…)` and `return …` say comes out, in their order. */
export function expectedOutput ({ code }: Block): string[] {
  return [...code.matchAll(/^(?:console\.log\(.+\)|return .+) \/\/ (.+)$/gm)].map(([, value = '']) => value)
}
