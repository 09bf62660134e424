// The test vectors of the sealed format and of device binding, with the cipher of the edge in place of libsodium.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Runs a test file as an edge runtime would resolve it, and gives what it printed. */
async function atTheEdge (file: string): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // else the test runner takes the child for a part of itself
  const args = ['--conditions=workerd', '--import', import.meta.resolve('tsx'), '--test-reporter=tap', fileURLToPath(new URL(`../vectors/${file}`, import.meta.url))]
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, maxBuffer: 1e8 }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new Error(stdout))
    })
  })
}

describe('the cipher of the edge', () => {
  it('takes the place of libsodium in these tests', () => {
    const program = `require('node:module').createRequire(${JSON.stringify(fileURLToPath(new URL('../../src/index.ts', import.meta.url)))}).resolve('#sodium')`
    assert.match(execFileSync(process.execPath, ['--conditions=workerd', '-p', program], { encoding: 'utf8' }), /crypto[\\/]noble\.ts$/m)
  })

  for (const [file, most] of [['sealed.test.ts', 300], ['device.test.ts', 150]] as const) {
    it(`agrees with each vector of ${file}`, async () => {
      const output = await atTheEdge(file)
      assert.match(output, /^# fail 0$/m)
      assert.ok(Number(/^# pass (\d+)$/m.exec(output)?.[1]) >= most)
    })
  }
})
