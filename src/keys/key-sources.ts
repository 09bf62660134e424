import { sodiumReady } from '#sodium'
import { fail } from '../errors.ts'
import { FollowedKeys, type Pace } from './followed-keys.ts'
import { exposureOf, fileSource, parseKeyFile, readKeyFile } from './key-file.ts'
import { readKeys } from './key.ts'
import type { KeyringState } from './keyring-state.ts'
import { readDuration, readFlag, refuseUnknown } from '../options/readers.ts'
import type { KeyFileOptions, KeyLoader, KeyLoadOptions } from '../types.ts'

const FILE_OPTIONS = ['watch', 'activateAfter', 'watchInterval'] satisfies Array<keyof KeyFileOptions>

const DEFAULT_ACTIVATE_AFTER = 120
const DEFAULT_WATCH_INTERVAL = 1
const DEFAULT_REFRESH = 60

/** Looks that `activateAfter` must cover at least, since a key may leave for as long. */
const MIN_LOOKS_TO_ACTIVATE = 10

/** Keys from outside of the process, as they are now. */
export interface SourceKeys {
  readonly keys: readonly Buffer[]
  /** Has the state of a keyring with these keys know of their source, and follow it. */
  readonly attach: (state: KeyringState) => void
}

/** Keys of a file. @throws as `Keyring.fromFile` does */
export async function keysOfFile (path: string | URL | undefined, options: KeyFileOptions): Promise<SourceKeys> {
  refuseUnknown(options, FILE_OPTIONS)
  const watch = readFlag(options, 'watch', false)
  const activateAfter = readDuration(options, 'activateAfter', DEFAULT_ACTIVATE_AFTER, { orZero: true })
  const interval = readDuration(options, 'watchInterval', DEFAULT_WATCH_INTERVAL)
  if (watch) assertPace({ activateAfter, interval }, 'watchInterval')
  await sodiumReady()
  const file = await readKeyFile(path)
  const exposure = exposureOf(file)
  return {
    keys: parseKeyFile(file.content, file.path),
    attach: state => {
      if (exposure !== null) state.exposed = { path: file.path, mode: file.mode, exposure }
      if (watch) state.follower = new FollowedKeys(state, fileSource(file), { activateAfter, interval })
    }
  }
}

/** Keys that a function of the app's loads again and again. @throws as `Keyring.from` does */
export async function keysOfLoader (load: KeyLoader, options: KeyLoadOptions): Promise<SourceKeys> {
  const interval = readDuration(options, 'refresh', DEFAULT_REFRESH)
  const activateAfter = readDuration(options, 'activateAfter', Math.max(DEFAULT_ACTIVATE_AFTER, MIN_LOOKS_TO_ACTIVATE * interval), { orZero: true })
  assertPace({ activateAfter, interval }, 'refresh')
  await sodiumReady()
  const read = async (): Promise<Buffer> => contentOf(await load())
  const content = await read()
  const parse = (content: Buffer): Buffer[] => parseKeyFile(content, LOADED)
  return {
    keys: parse(content),
    attach: state => {
      // Nobody says when the first key came: others may not have loaded it yet.
      state.follower = new FollowedKeys(state, { source: LOADED, content, writtenAt: Date.now(), read, parse }, { activateAfter, interval })
    }
  }
}

/**
 * Refuses new keys that would seal before other processes have read the file, or while keys that left
 * it still open. Less than a second is for one process: no file gets anywhere else in that time.
 */
function assertPace ({ activateAfter, interval }: Pace, name: 'watchInterval' | 'refresh'): void {
  if (activateAfter < 1 || activateAfter / MIN_LOOKS_TO_ACTIVATE >= interval) return
  const least = Number((MIN_LOOKS_TO_ACTIVATE * interval).toPrecision(12)) // 10 × 1.1 is 11.000000000000002
  throw fail(
    'OPTION_INVALID',
    ['activateAfter', `at least ${MIN_LOOKS_TO_ACTIVATE} times "${name}", or 0 for one process`, `${activateAfter} with a ${name} of ${interval}`],
    { detail: `Set activateAfter to ${least} or more, or ${name} to ${activateAfter / MIN_LOOKS_TO_ACTIVATE} or less.` }
  )
}

/** Source of keys that a function of the app's gives, as messages name it. */
const LOADED = 'what Keyring.from() loads'

/** Keys as the lines of a key file. @throws the errors of reading a key */
function contentOf (keys: unknown): Buffer {
  return Buffer.from(readKeys(keys).map(({ bytes }) => bytes.toString('hex')).join('\n'))
}
