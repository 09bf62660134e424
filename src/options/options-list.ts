import { chunkName } from '../cookies/chunks.ts'
import { fail } from '../errors.ts'
import type { Warn } from '../messages.ts'
import type { Format } from '../types.ts'
import { asOptions, type Names, readNames, readUnkeyed, type SessionConfig, withKeys } from './options.ts'

/**
 * Checks the options given to `register`: those of one session, or a list of them. The caller's objects are read, never
 * changed.
 * @returns the sessions in the order given; at least one.
 */
export async function readOptionsList (options: unknown, warn: Warn): Promise<SessionConfig[]> {
  const list: unknown[] = Array.isArray(options) ? options : [options ?? {}]
  if (list.length === 0) throw fail('KEY_MISSING', [], { detail: 'The array of sessions is empty.' })
  const entries = list.map((entry, index) => asOptions(entry, Array.isArray(options) ? `[${index}]` : ''))
  const named = entries.map(entry => readNames(entry))
  assertDistinct(named)
  // All checks that need no key derivation come first: a typo is reported at once.
  const checked = entries.map((entry, index) => readUnkeyed(entry, named[index]!, warn)) // there is one for each entry
  assertChunksDistinct(checked)
  // One session after the other, since deriving keys from passphrases takes much memory while it runs.
  const configs: SessionConfig[] = []
  for (const [index, entry] of entries.entries()) configs.push(await withKeys(entry, checked[index]!, warn)) // the same
  warnOfSharedKeys(configs, warn)
  return configs
}

function assertDistinct (names: readonly Names[]): void {
  for (const property of ['sessionName', 'cookieName'] as const) {
    const seen = new Set<string>()
    for (const { [property]: name } of names) {
      if (seen.has(name)) throw fail('NAME_TAKEN', [property, name])
      seen.add(name)
    }
  }
}

/** Checks that the cookies that one session is split into are not another's. */
function assertChunksDistinct (sessions: ReadonlyArray<Names & Pick<SessionConfig, 'maxChunks'>>): void {
  const names = sessions.map(({ cookieName }) => cookieName)
  for (const { cookieName, maxChunks } of sessions) {
    for (let index = 1; index < maxChunks; index++) {
      const name = chunkName(cookieName, index)
      if (names.includes(name)) throw fail('NAME_TAKEN', ['cookieName', name], { detail: `A large session "${cookieName}" is split into cookies of such names.` })
    }
  }
}

function warnOfSharedKeys (configs: readonly SessionConfig[], warn: Warn): void {
  for (const [index, config] of configs.entries()) {
    for (const other of configs.slice(0, index)) {
      if (areAlike(config, other)) warn('FST_SEALED_SESSION_WARN_KEY_SHARED', other.sessionName, config.sessionName)
    }
  }
}

/** True if a token of one session opens as the other's. */
export function areAlike (config: SessionConfig, other: SessionConfig): boolean {
  return openAlike(config, other) && shareKey(config, other)
}

/** True if one session's token could be used as another's, if they had a key in common. */
function openAlike (a: SessionConfig, b: SessionConfig): boolean {
  const both = (format: Format): boolean => a.accept.includes(format) && b.accept.includes(format)
  return both('secretbox') || (both('sealed') && a.context === b.context)
}

function shareKey (a: SessionConfig, b: SessionConfig): boolean {
  return a.keyring.current.keys.some(key => b.keyring.current.keys.some(other => other.equals(key)))
}
