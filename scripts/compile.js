// Compiles src/ file by file, for tools that look at single files: the fuzzer and the trace of a request. The package has bundles.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @param {string} checkout the folder of a repository @param {string} folder where the files go, in place of all that is there */
export function compileFiles (checkout, folder) {
  rmSync(folder, { recursive: true, force: true })
  execFileSync(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', join(checkout, 'tsconfig.esm.json'), '--outDir', folder], { stdio: 'inherit' })
  // The conditions that choose between runtimes: Node.js looks for them in the nearest package.json.
  writeFileSync(join(folder, 'package.json'), readFileSync(join(checkout, 'src/package.json'), 'utf8').replaceAll('.ts"', '.js"'))
}
