// Loaded before the peer's own tests: whoever asks for the peer gets our build. Each time it appends
// who asked to the file that PEER_ALIAS_REPORT names, as a proof that it was our build that ran.
const { appendFileSync } = require('node:fs')
const Module = require('node:module')

const peer = require.resolve('@fastify/secure-session')
const ours = require.resolve('../../dist/cjs/require.cjs')
const resolveFilename = Module._resolveFilename

Module._resolveFilename = function (request, parent, ...rest) {
  const filename = resolveFilename.call(this, request, parent, ...rest)
  if (filename !== peer) return filename
  appendFileSync(process.env.PEER_ALIAS_REPORT, `${parent.filename}\n`)
  return ours
}
