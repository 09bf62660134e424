// Memory of the option `cache`: how much it takes, for how long, and what it keeps alive.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHILD = fileURLToPath(new URL('memory-child.ts', import.meta.url))

/** Figures of a process of its own, which ends by itself: a cache keeps no process from ending. */
async function figuresOf<Figures> (name: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', '--import', fileURLToPath(new URL('../support/quiet.ts', import.meta.url)), CHILD, name])
  return JSON.parse(stdout) as Figures
}

describe('a cache', () => {
  it('that is full takes the memory of its limit, whatever the sessions are', async () => {
    const shares = await figuresOf<Record<string, number>>('sizes')
    assert.equal(Object.keys(shares).length, 8)
    for (const [name, share] of Object.entries(shares)) assert.ok(share > 0.25 && share < 1.1, `${name}: ${share.toFixed(2)} of the limit`)
  })

  it('keeps no header in memory out of which a token was cut', async () => {
    const bytes = await figuresOf<number>('header')
    assert.ok(bytes < 2000, `${bytes.toFixed(0)} bytes each, of headers of 16 KB`)
  })

  it('holds the content of sessions as text, and none of it after a rotation, a retired key, a key file that failed, the close of the keyring or the app, or its time', async () => {
    const { before, after } = await figuresOf<Record<'before' | 'after', Record<string, boolean>>>('contents')
    assert.deepEqual(before, { stays: true, rotate: true, retire: true, failed: true, 'closed keyring': true, 'closed app': true, idle: true })
    assert.deepEqual(after, { stays: true, rotate: false, retire: false, failed: false, 'closed keyring': false, 'closed app': false, idle: false })
  })
})
