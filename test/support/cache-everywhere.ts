// Has every session have the option `cache`, unless a test says otherwise. Loaded before each test file where the tests
// run with FASTIFY_SEALED_SESSION_CACHE=everywhere: see scripts/test.js. The code of the package knows nothing of it: the
// default of the option is changed as its file is loaded.
import { register } from 'node:module'

const hooks = `
const DEFAULT = /(\\boptions\\.cache\\s*\\?\\?\\s*)(?:false|!1)/
export async function load (url, context, next) {
  const loaded = await next(url, context)
  if (!/\\/src\\/options\\/options\\.ts(?:$|\\?)/.test(url)) return loaded
  const source = String(loaded.source)
  if (!DEFAULT.test(source)) throw new Error('the default of the option cache is not where it was')
  return { ...loaded, source: source.replace(DEFAULT, '$1true') }
}`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
