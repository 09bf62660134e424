// Makes a bundle in the folder that it is started in, with a bundler that has no command here:
//
//   node bundle.js webpack CONFIG      as webpack-cli does
//   node bundle.js trace PROGRAM OUT   copies the program and all that it loads, as Next.js does for `standalone`
import { cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , bundler, first, out] = process.argv
await { webpack, trace }[bundler]()

async function webpack () {
  const { default: webpack } = await import('webpack')
  const { default: config } = await import(pathToFileURL(resolve(first)).href)
  const stats = await new Promise((resolve, reject) => {
    webpack(config, (error, stats) => { error === null ? resolve(stats) : reject(error) })
  })
  const problems = stats.toString({ all: false, errors: true, warnings: true })
  if (problems.trim() !== '') throw new Error(problems)
}

async function trace () {
  const { nodeFileTrace } = await import('@vercel/nft')
  const { fileList } = await nodeFileTrace([first], { base: process.cwd() })
  for (const file of fileList) await cp(file, join(out, file))
}
