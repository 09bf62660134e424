// `rotate FILE`: how the file is replaced, and that a failure changes nothing.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import { Keyring } from '../../src/index.ts'
import { parseKeyFile } from '../../src/keys/key-file.ts'
import { newKey } from '../support/helpers.ts'
import { GENKEY, assertNoKey, genkey, genkeyAfter, run, temporaryFolder, type Outcome } from '../support/cli.ts'

/** A user who owns nothing. */
const NOBODY = 65534
const isRoot = process.getuid?.() === 0
const onlyRoot = { skip: isRoot ? false : 'needs root' }
/** Root may do everything, and has to run the command as somebody else, who must be able to read it. */
const hasNobody = !isRoot || spawnSync(process.execPath, [GENKEY, '--version'], { uid: NOBODY, gid: NOBODY }).status === 0
const needsNobody = { skip: hasNobody ? false : 'needs a clone and a Node.js that all users can read' }
const onlyRootAndNobody = isRoot ? needsNobody : onlyRoot

const parent = temporaryFolder()
chmodSync(parent, 0o755)
const key = newKey()
const content = `${key.toString('hex')}\n`

let folder: string
let path: string
let count = 0

beforeEach(() => {
  folder = join(parent, String(count++))
  mkdirSync(folder)
  path = join(folder, 'keys')
  writeFileSync(path, content)
})

const keysOf = (path: string): Buffer[] => parseKeyFile(readFileSync(path), path)
const modeOf = (path: string): number => statSync(path).mode & 0o7777

/** Runs as somebody who is not root. */
async function asNobody (...args: string[]): Promise<Outcome> {
  return await run(process.execPath, [GENKEY, ...args], isRoot ? { uid: NOBODY } : {})
}

function assertRotated ({ code, stderr }: Outcome): void {
  assert.equal(code, 0, stderr)
  assert.equal(keysOf(path).length, 2)
  assert.deepEqual(keysOf(path)[1], key)
}

/** What must hold after a failure. */
function assertUnchanged (outcome: Outcome, message: RegExp): void {
  assert.equal(outcome.code, 1)
  assert.equal(outcome.stdout.length, 0)
  assert.match(outcome.stderr, message)
  assertNoKey(outcome, [key])
  assert.equal(readFileSync(path, 'utf8'), content)
  assert.deepEqual(readdirSync(folder), ['keys'])
}

describe('the file', () => {
  for (const mode of [0o600, 0o640, 0o644, 0o400]) {
    test(`keeps its mode ${mode.toString(8)}`, async () => {
      chmodSync(path, mode)
      assertRotated(await genkey('rotate', path))
      assert.equal(modeOf(path), mode)
    })
  }

  for (const [bit, mode] of [['setuid', 0o4755], ['setgid', 0o2640], ['sticky', 0o1600]] as const) {
    test(`loses its ${bit} bit, which has no place on a key file, and keeps the rest of its mode`, async () => {
      chmodSync(path, mode)
      assertRotated(await genkey('rotate', path))
      assert.equal(modeOf(path), mode & 0o777)
    })
  }

  test('keeps its owner and group', onlyRoot, async () => {
    chownSync(path, NOBODY, NOBODY)
    chmodSync(path, 0o640)
    const outcome = await genkey('rotate', path)
    assertRotated(outcome)
    assert.equal(outcome.stderr, '')
    const { uid, gid } = statSync(path)
    assert.deepEqual({ uid, gid, mode: modeOf(path) }, { uid: NOBODY, gid: NOBODY, mode: 0o640 })
  })

  test('keeps its group, where the owner cannot be kept', onlyRootAndNobody, async () => {
    chmodSync(folder, 0o777)
    chownSync(path, 0, NOBODY)
    chmodSync(path, 0o640)
    const outcome = await asNobody('rotate', path)
    assertRotated(outcome)
    assert.match(outcome.stderr, /^fastify-sealed-session: the owner or group of ".*keys" could not be kept: see to it that the app can still read it\n$/)
    assert.deepEqual({ gid: statSync(path).gid, mode: modeOf(path) }, { gid: NOBODY, mode: 0o640 })
  })

  test('is not readable for another group than before, where the group cannot be kept', onlyRootAndNobody, async () => {
    chmodSync(folder, 0o777)
    chmodSync(path, 0o664)
    assertRotated(await asNobody('rotate', path))
    assert.equal(modeOf(path), 0o604)
  })

  test('is replaced, not written into: whoever has it open reads the old content', async () => {
    const { ino } = statSync(path)
    assertRotated(await genkey('rotate', path))
    assert.notEqual(statSync(path).ino, ino)
  })

  test('is replaced behind a symlink, which stays', async () => {
    const other = join(folder, 'elsewhere')
    mkdirSync(other)
    const links = [join(other, 'link'), join(other, 'link-to-link')] as const
    symlinkSync('../keys', links[0])
    symlinkSync('link', links[1])
    const outcome = await genkey('rotate', links[1])
    assertRotated(outcome)
    assert.ok(links.every(link => lstatSync(link).isSymbolicLink()))
    assert.deepEqual(readdirSync(other), ['link', 'link-to-link'])
    assert.deepEqual(keysOf(links[1]), keysOf(path))
  })

  test('is found in the current folder', async () => {
    const { code, stdout } = await run('sh', ['-c', 'cd "$1"; exec "$2" "$3" rotate keys', 'sh', folder, process.execPath, GENKEY])
    assert.equal(code, 0)
    assert.match(stdout.toString(), /^added [0-9a-f]{8} as the first key of keys\n/)
  })
})

describe('the temporary file', () => {
  test('lets only its owner read it before a key is written into it', async () => {
    chmodSync(path, 0o666)
    const outcome = await genkeyAfter(`
      process.umask(0)
      const write = fs.writeFileSync
      fs.writeFileSync = (file, ...rest) => {
        process.stderr.write((fs.fstatSync(file).mode & 0o777).toString(8))
        write(file, ...rest)
      }`, 'rotate', path)
    assertRotated(outcome)
    assert.equal(outcome.stderr, '600')
    assert.equal(modeOf(path), 0o666)
  })

  test('keeps a second rotation from changing anything while the first one runs', async () => {
    const second = JSON.stringify([GENKEY, 'rotate', path])
    // The second one starts when the first has read the file.
    const first = await genkeyAfter(`
      const { spawnSync } = await import('node:child_process')
      const write = fs.writeFileSync
      fs.writeFileSync = (...args) => {
        const { status, stderr } = spawnSync(process.execPath, ${second}, { encoding: 'utf8' })
        process.stderr.write(status + ' ' + stderr)
        write(...args)
      }`, 'rotate', path)
    assertRotated(first)
    assert.match(first.stderr, /^1 fastify-sealed-session: ".*keys" is being rotated: ".*keys\.rotating" exists\. .*\n$/)
    assert.deepEqual(readdirSync(folder), ['keys'])
  })

  test('of an interrupted rotation is reported, with what to do, and left alone', async () => {
    const lock = join(folder, 'keys.rotating')
    writeFileSync(lock, 'left behind')
    const { code, stdout, stderr } = await genkey('rotate', path)
    assert.equal(code, 1)
    assert.equal(stdout.length, 0)
    assert.ok(stderr.includes('If no other rotation is running') && stderr.includes('remove that file'), stderr)
    assert.equal(readFileSync(path, 'utf8'), content)
    assert.equal(readFileSync(lock, 'utf8'), 'left behind')
  })

  test('of several rotations at once leaves a key of each that said it was done', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => genkey('rotate', path)))
    const added = outcomes.filter(({ code }) => code === 0).map(({ stdout }) => /^added (\S+)/.exec(stdout.toString())?.[1])
    assert.ok(added.length > 0)
    const { ids } = await Keyring.fromFile(path)
    assert.deepEqual([...ids].sort(), [...added, ...new Keyring(key).ids].sort())
    assert.ok(outcomes.every(({ code, stderr }) => code === 0 || stderr.includes('is being rotated')))
    assert.deepEqual(readdirSync(folder), ['keys'])
  })
})

describe('a failure leaves the file as it was, no temporary file, and exit code 1', () => {
  const unchanged = async (args: string[], message: RegExp): Promise<void> => assertUnchanged(await genkey('rotate', ...args), message)

  test('a file that is not there', async () => {
    await unchanged([join(folder, 'missing')], /^fastify-sealed-session: ENOENT: .*missing'\n$/)
  })

  test('a folder', async () => {
    await unchanged([folder], /^fastify-sealed-session: ".*" is not a file\n$/)
  })

  test('a device', async () => {
    await unchanged(['/dev/null'], /^fastify-sealed-session: "\/dev\/null" is not a file\n$/)
  })

  test('a disk that is full', async () => {
    const outcome = await run('sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, GENKEY, 'rotate', path])
    assertUnchanged(outcome, /^fastify-sealed-session: EFBIG: /)
  })

  test('a file that cannot be replaced, as one that is mounted by itself', async () => {
    const outcome = await genkeyAfter("fs.renameSync = () => { throw new Error('EBUSY: resource busy') }", 'rotate', path)
    assertUnchanged(outcome, /^fastify-sealed-session: EBUSY: /)
  })

  test('a folder that one may not write to', needsNobody, async () => {
    chmodSync(path, 0o644)
    chmodSync(folder, 0o555)
    const outcome = await asNobody('rotate', path)
    chmodSync(folder, 0o755)
    assertUnchanged(outcome, /^fastify-sealed-session: EACCES: .*keys\.rotating'\n$/)
  })

  test('a file that one may not read', needsNobody, async () => {
    chmodSync(folder, 0o777)
    chmodSync(path, 0)
    const outcome = await asNobody('rotate', path)
    chmodSync(path, 0o600)
    assertUnchanged(outcome, /^fastify-sealed-session: EACCES: .*keys'\n$/)
  })

  const secret = newKey()
  const bad: Record<string, [content: string | Buffer, message: RegExp]> = {
    'a line that is no key, of which only the number is said': [`# keys\n${secret.toString('hex')}\n${secret.toString('hex').slice(1)}\n`, /is not valid in line 3: .*got 63 characters\nThese are 63 hex digits, not 64\./],
    'an empty file': ['', / has no key in it\nPut one key a line into it/],
    'a file of comments': ['# keys\n\n', / has no key in it\n/],
    'raw bytes and a newline': [Buffer.concat([Buffer.alloc(32, 0xe9), Buffer.from('\n')]), /is not valid in line 1: /],
    'text in UTF-16': [Buffer.from(`\ufeff${secret.toString('hex')}`, 'utf16le'), /is not valid in line 1: .*\nThis looks like UTF-16/]
  }

  for (const [title, [bytes, message]] of Object.entries(bad)) {
    test(title, async () => {
      const file = join(folder, 'bad')
      writeFileSync(file, bytes)
      const outcome = await genkey('rotate', file)
      assert.equal(outcome.code, 1)
      assert.equal(outcome.stdout.length, 0)
      assert.match(outcome.stderr, message)
      assert.ok(!outcome.stderr.includes(secret.toString('hex').slice(1, 20)))
      assert.deepEqual(readFileSync(file), Buffer.from(bytes))
      assert.ok(!existsSync(`${file}.rotating`))
    })
  }
})

describe('a power failure', () => {
  /** Has the calls that make it last written to stderr. */
  const OBSERVED = `
    const { openSync, fsyncSync, renameSync } = fs
    const names = new Map()
    fs.openSync = (path, ...rest) => { const file = openSync(path, ...rest); names.set(file, path); return file }
    fs.renameSync = (from, to) => { renameSync(from, to); process.stderr.write('rename ' + to + '\\n') }
    fs.fsyncSync = file => { FAILURE; fsyncSync(file); process.stderr.write('fsync ' + names.get(file) + '\\n') }`

  test('after rotate has ended cannot undo it: the file is on the disk before its name, and then the folder', async () => {
    const outcome = await genkeyAfter(OBSERVED.replace('FAILURE', ''), 'rotate', path)
    assertRotated(outcome)
    assert.deepEqual(outcome.stderr.trimEnd().split('\n'), [`fsync ${path}.rotating`, `rename ${path}`, `fsync ${folder}`])
  })

  const failing = (code: string): string => OBSERVED.replace('FAILURE', `if (fs.statSync(names.get(file)).isDirectory()) throw Object.assign(new Error('failed'), { code: '${code}' })`)

  for (const code of ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP']) {
    test(`is not thought of where the platform cannot write a folder to the disk: ${code}`, async () => {
      const outcome = await genkeyAfter(failing(code), 'rotate', path)
      assertRotated(outcome)
      assert.doesNotMatch(outcome.stderr, /power/)
    })
  }

  test('is warned about where the disk fails, and the file is rotated', async () => {
    const outcome = await genkeyAfter(failing('EIO'), 'rotate', path)
    assertRotated(outcome)
    assert.match(outcome.stderr, /^fastify-sealed-session: ".*keys" is replaced, but a power failure now may undo it: EIO$/m)
  })
})
