// The table of the README, out of a run.
import { readFileSync, writeFileSync } from 'node:fs'
import { bars } from './bars.js'
import { machine, today } from './environment.js'

const README = new URL('../README.md', import.meta.url)
const BETWEEN = /(<!-- made by "npm run bench" -->\n)[^]*(<!-- end of what "npm run bench" made -->)/

export function intoReadme (results) {
  const readme = readFileSync(README, 'utf8')
  if (!BETWEEN.test(readme)) throw new Error('the README has no place for the table of the benchmark')
  // A function, since a replacement text would have `$` mean something.
  writeFileSync(README, readme.replace(BETWEEN, (_, start, end) => `${start}${readmeTable(results)}${end}`))
}

function readmeTable (results) {
  const rows = bars(results).map(({ what, value, of, bar }) => `| ${what} | ${value.toFixed(2)} ${of} | ${bar} | ${value <= bar ? 'yes' : 'no'} |`)
  return `| | measured | aim, at most | reached |
| --- | --- | --- | --- |
${rows.join('\n')}

Measured on ${today()} with ${machine()}.
`
}
