// Whether a tag may be released: `node scripts/check-release.js v1.2.3`. It is the version of
// package.json, and CHANGELOG.md says what is in it.
import { readFileSync } from 'node:fs'

const read = name => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

const [tag] = process.argv.slice(2)
const { version } = JSON.parse(read('package.json'))
const problems = []
if (tag !== `v${version}`) problems.push(`the tag is ${tag}, and the version in package.json is ${version}`)
if (!read('CHANGELOG.md').split('\n').some(line => line.startsWith(`## ${version}`))) problems.push(`CHANGELOG.md has no "## ${version}"`)

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
