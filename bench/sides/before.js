// Another version of this package, from a checkout that has been built: see compare.js.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sideOf } from './secure-session.js'

const { default: plugin } = await import(pathToFileURL(resolve(process.env.BENCH_BEFORE, 'dist/esm/index.js')).href)

export const { name, app, tokens, register } = sideOf('before', plugin)
