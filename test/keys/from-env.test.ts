// Keys of a variable of the environment.
import assert from 'node:assert/strict'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { Keyring } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { keyIdsOf } from '../support/keys.ts'

const NAME = 'TEST_SESSION_KEYS'
const { NODE_ENV } = process.env

afterEach(() => {
  delete process.env[NAME]
  if (NODE_ENV === undefined) delete process.env.NODE_ENV
  else process.env.NODE_ENV = NODE_ENV
})

function withKeys (text: string): Keyring {
  process.env[NAME] = text
  return Keyring.fromEnv(NAME)
}

/** Error of `Keyring.fromEnv` for what a variable holds. */
function refusal (text: string): Error & { code?: string } {
  try {
    withKeys(text)
  } catch (error) {
    return error as Error
  }
  return assert.fail('it was taken')
}

function heard (t: TestContext): string[] {
  const codes: string[] = []
  const listen = (warning: Error & { code?: string }): void => { codes.push(warning.code ?? '') }
  process.on('warning', listen)
  t.after(() => { process.off('warning', listen) })
  return codes
}

describe('Keyring.fromEnv', () => {
  it('has the key of the variable', () => {
    const key = newKey()
    for (const text of [key.toString('hex'), key.toString('base64'), key.toString('base64url'), ` ${key.toString('hex')}\n`]) {
      assert.deepEqual(withKeys(text).ids, keyIdsOf(key))
    }
  })

  it('has several keys with commas between them, newest first, white space and an empty part aside', () => {
    const keys = [newKey(), newKey(), newKey()]
    assert.deepEqual(withKeys(`${keys[0]!.toString('hex')}, ${keys[1]!.toString('base64')},\n${keys[2]!.toString('hex')},`).ids, keyIdsOf(...keys))
  })

  it('refuses what is no key, names the variable and the place, and does not show the text', () => {
    const [good, cut] = [newKey().toString('hex'), newKey().toString('hex').slice(0, 63)]
    for (const [text, place] of [[cut, NAME], [`${good},${cut}`, `${NAME}[1]`], [`${cut},${good}`, `${NAME}[0]`]] as const) {
      const { code, message } = refusal(text)
      assert.equal(code, 'FST_SEALED_SESSION_KEY_TEXT')
      assert.ok(message.startsWith(place), message)
      assert.ok(!message.includes(cut.slice(0, 12)))
    }
  })

  it('refuses a variable that is not set, or empty, in production, says which of both, and what to do', () => {
    process.env.NODE_ENV = 'production'
    assert.throws(() => Keyring.fromEnv(NAME), { code: 'FST_SEALED_SESSION_ENV_MISSING', message: /TEST_SESSION_KEYS is not set/, hint: /keygen --hex/ })
    for (const text of ['', ' ', ',']) {
      const { code, message } = refusal(text)
      assert.deepEqual([code, message.includes('TEST_SESSION_KEYS is empty, and')], ['FST_SEALED_SESSION_ENV_MISSING', true], message)
    }
  })

  it('makes a key of its own outside of production, another one each time, and warns', async t => {
    const codes = heard(t)
    for (const environment of ['development', 'test', undefined]) {
      if (environment === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = environment
      assert.notDeepEqual(Keyring.fromEnv(NAME).ids, Keyring.fromEnv(NAME).ids)
    }
    await new Promise(resolve => { setImmediate(resolve) })
    assert.deepEqual(codes, Array(6).fill('FST_SEALED_SESSION_WARN_ENV_MISSING'))
  })

  it('refuses a name that is none', () => {
    for (const name of [undefined, '', 42]) assert.throws(() => Keyring.fromEnv(name as never), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
  })
})
