// Loaded by Jazzer.js in place of a target, by "npm run fuzz -- --keep": of the inputs in a folder,
// keeps in the corpus those that reach what no shorter one reaches.
import { Buffer } from 'node:buffer'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { urlOf, writeCorpus } from './corpus.js'

const { FUZZ_TARGET: target, FUZZ_FOLDER: folder } = process.env

/** Inputs that are longer are not kept: the corpus is read by people, too. */
const MAX_BYTES = 2048

/** The counters of every module that is instrumented, one byte a branch. */
const counters = []
const { coverageTracker } = globalThis.Fuzzer
const create = coverageTracker.createModuleCounters.bind(coverageTracker)
coverageTracker.createModuleCounters = edges => {
  const counted = create(edges)
  counters.push(counted)
  return counted
}

/** How often, roughly: once, twice, a few times, often. */
function bucket (count) {
  return count < 3 ? count : count < 16 ? 3 : 4
}

function reached () {
  return counters.flatMap((counted, module) => [...counted].flatMap((count, edge) => count === 0 ? [] : [`${module}.${edge}.${bucket(count)}`]))
}

const { fuzz, seeds } = await import(urlOf(target).href)
const found = readdirSync(folder).map(name => readFileSync(join(folder, name))).filter(input => input.length <= MAX_BYTES)
const seen = new Set()

async function addsTo (input) {
  for (const counted of counters) counted.fill(0)
  await fuzz(input)
  const features = reached().filter(feature => !seen.has(feature))
  for (const feature of features) seen.add(feature)
  return features.length > 0
}

for (const seed of seeds) await addsTo(Buffer.from(seed))
const kept = []
for (const input of found.sort((a, b) => a.length - b.length || Buffer.compare(a, b))) {
  if (await addsTo(input)) kept.push(input)
}
writeCorpus(target, kept)
process.stderr.write(`${target}: ${kept.length} of ${found.length} inputs kept\n`)

/** What Jazzer.js then calls once. */
export { fuzz }
