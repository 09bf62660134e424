// The package as it is at the edge, with the cipher of @noble: the ESM build, bundled as for Cloudflare Workers.
import { Buffer } from 'node:buffer'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const { outputFiles: [{ text }] } = buildSync({
  entryPoints: [fileURLToPath(new URL('../build/session-codec.js', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  conditions: ['workerd']
})

export const { createSessionCodec } = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
