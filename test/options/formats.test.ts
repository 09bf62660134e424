// What is wrong with "format" or "accept" is said, and what was meant.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { rejection } from '../support/configurations.ts'

const FORMAT = "option \"format\" must be 'secretbox' or 'sealed', got "
const accept = (format: string): string => `option "accept" must be an array of formats with '${format}' in it, which is the one that seals, got `

const mistakes: Array<[what: string, options: object, message: string]> = [
  ['a misspelt format', { format: 'seald' }, `${FORMAT}a string, did you mean 'sealed'?`],
  ['a format in capitals', { format: 'SecretBox' }, `${FORMAT}a string, did you mean 'secretbox'?`],
  ['a format that is like none', { format: 'jwt' }, `${FORMAT}a string`],
  ['a format that is no text', { format: 1 }, `${FORMAT}a number`],
  ['an array for the format', { format: ['sealed'] }, `${FORMAT}an array`],
  ['text for accept', { accept: 'sealed' }, `${accept('secretbox')}a string`],
  ['a misspelt member of accept', { format: 'sealed', accept: ['seald'] }, `${accept('sealed')}an unknown format at [0], did you mean 'sealed'?`],
  ['a misspelt member after a right one', { accept: ['secretbox', 'secretbx'] }, `${accept('secretbox')}an unknown format at [1], did you mean 'secretbox'?`],
  ['a member that is like no format', { accept: ['secretbox', 'jwt'] }, `${accept('secretbox')}an unknown format at [1]`],
  ['a member that is no text', { accept: [null] }, `${accept('secretbox')}null at [0]`],
  ['an accept without the format that seals', { format: 'sealed', accept: ['secretbox'] }, `${accept('sealed')}an array without it`],
  ['an empty accept', { accept: [] }, `${accept('secretbox')}an array without it`]
]

describe('a mistake in a format', () => {
  for (const [what, options, message] of mistakes) {
    it(`${what} is named, with what was likely meant`, async () => {
      const error = await rejection({ key: newKey(), ...options })
      assert.deepEqual([error.code, error.message], ['FST_SEALED_SESSION_OPTION_INVALID', message])
    })
  }

  it('shows nothing of what was given, which may be anything', async () => {
    const key = newKey().toString('hex')
    for (const options of [{ format: key }, { accept: [key] }]) {
      const { message, hint } = await rejection({ key: newKey(), ...options })
      assert.ok(!`${message} ${hint}`.includes(key.slice(0, 8)))
    }
  })
})
