// What each place of a profile belongs to.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sodium from 'sodium-native'

export const GROUPS = {
  sodium: 'libsodium',
  json: 'JSON',
  base64: 'base64 and text',
  token: 'layout and checks of the token',
  cookie: 'Cookie header and Set-Cookie',
  session: 'session object and plugin',
  fastify: 'Fastify and find-my-way',
  cookiePlugin: '@fastify/cookie',
  gc: 'garbage collector',
  harness: 'harness',
  other: 'other'
}

// The first that fits counts. JSON.parse, JSON.stringify and decodeURIComponent have no frames of
// their own: they are self time of the function that calls them.
const BY_URL = [
  [/node_modules\/sodium-native\/|\/src\/crypto\//, 'sodium'],
  [/^node:(internal\/)?assert/, 'sodium'], // nothing but the wrappers of sodium-native asserts here
  [/^node:buffer$/, 'base64'],
  [/\/src\/(token|keys|data)\//, 'token'],
  [/\/src\/(cookies\/|http\/response-cookie)/, 'cookie'],
  [/\/src\//, 'session'],
  [/node_modules\/(@fastify\/cookie|cookie)\//, 'cookiePlugin'],
  [/node_modules\//, 'fastify'], // nothing else is loaded
  [/\/bench\//, 'harness']
]

const sources = new Map()

/** Source of each line of a bundle, as its comments say. */
function sourcesOf (url) {
  const path = fileURLToPath(url)
  let source = url
  if (!sources.has(url)) sources.set(url, existsSync(path) ? readFileSync(path, 'utf8').split('\n').map(line => (source = /^\/\/ (src\/\S+)$/.exec(line)?.[1] ?? source)) : [])
  return sources.get(url)
}

/** URL of the source of a place in a bundle of this package; otherwise its own. */
function sourceOf ({ url, line }) {
  return /\/dist\/(esm|cjs)\//.test(url) ? `/${sourcesOf(url)[line - 1] ?? url}` : url
}

/** The key of the group that a function belongs to. */
export function groupOf ({ functionName, url: place, line }) {
  const url = sourceOf({ url: place, line })
  if (functionName === '(garbage collector)') return 'gc'
  if (url === '') return groupOfBuiltin(functionName)
  if (/\/serializer\.ts$/.test(url) && /^(parse|stringify)$/.test(functionName)) return 'json'
  return BY_URL.find(([pattern]) => pattern.test(url))?.[1] ?? 'other'
}

function groupOfBuiltin (name) {
  if (isAddon(name)) return 'sodium'
  return /(Slice|Write)(Static)?$|^byteLength/.test(name) ? 'base64' : 'other'
}

/**
 * A call into the addon. V8 knows such functions by the address of their entry, which all of an
 * addon share, and gives them the name of any one of it.
 */
function isAddon (name) {
  return Object.hasOwn(sodium, name)
}

/** How a place is called in the table. */
export function placeOf ({ functionName, url, line }) {
  if (url === '') return isAddon(functionName) ? 'libsodium itself, and the way into it' : `${functionName || '(anonymous)'}, native`
  const file = url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(dist|bench)\//, '$1/')
  return `\`${functionName || '(anonymous)'}\` ${file}:${line}`
}
