// Prints as JSON what each cell of a package says, which is named on the command line: see own-node.ts.
import { CLAIMS } from './claims.ts'
import { CONTENDERS } from './contenders.ts'

const contender = CONTENDERS.find(({ name }) => name === process.argv[2])
if (contender === undefined) throw new Error(`no such package: ${process.argv[2]}`)

const cells: Record<string, string> = {}
for (const { title, cell } of CLAIMS) {
  try {
    cells[title] = await cell(contender)
  } catch (error) {
    cells[title] = String(error) // fails its own row, and no other
  }
}
process.stdout.write(JSON.stringify(cells))
