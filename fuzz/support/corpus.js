// The inputs of a target that are kept: fuzz/corpus/TARGET.txt has one a line, in base64.
import { Buffer } from 'node:buffer'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'

const FOLDER = new URL('../', import.meta.url)

/** The names of all targets. */
export function targets () {
  return readdirSync(FOLDER).filter(name => name.endsWith('.js')).map(name => name.slice(0, -3)).sort()
}

/** Where a target is. */
export function urlOf (target) {
  return new URL(`${target}.js`, FOLDER)
}

function corpusOf (target) {
  return new URL(`corpus/${target}.txt`, FOLDER)
}

export function readCorpus (target) {
  if (!existsSync(corpusOf(target))) return []
  return readFileSync(corpusOf(target), 'utf8').split('\n').slice(0, -1).map(line => Buffer.from(line, 'base64'))
}

export function writeCorpus (target, inputs) {
  writeFileSync(corpusOf(target), inputs.map(input => `${input.toString('base64')}\n`).join(''))
}
