// docs/guide/key-vaults.md: each `load` function fits the real client of its vault. Those of Vault and AWS are run, against
// servers that answer as these do.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { compile } from './compile.ts'
import { blocks, type Block } from './markdown.ts'
import { programOf } from './programs.ts'
import { read } from './source.ts'
import { environment, Workspace } from './workspace.ts'

const programs = blocks(read('docs/guide/key-vaults.md')).filter(({ prelude }) => prelude === 'in a vault')

/** The block that has this word. */
function blockOf (word: string): Block {
  return programs.find(({ code }) => code.includes(word)) ?? assert.fail(`no block has ${word}`)
}

/** What a reader runs: an app that has the session of the block, and says which keys seal and open. */
function appOf (block: Block): string {
  const code = block.code.replace('{ key: await Keyring.from(load) }', '{ key: keyring }')
  return programOf({ ...block, prelude: 'with app', code: code.replace('app.register(', 'const keyring = await Keyring.from(load)\napp.register(') + '\nconsole.log(keyring.ids.length)\n' })
}

interface Answer { status: number, body: object }

/** A server on this machine. @returns its address */
async function serve (t: TestContext, answer: (request: IncomingMessage, body: string) => Answer): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
      const { status, body: answered } = answer(request, body)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Ended { code: number, stdout: string, stderr: string }

describe('docs/guide/key-vaults.md', () => {
  const workspace = new Workspace()
  after(() => { workspace.remove() })

  async function run (block: Block, variables: Record<string, string>): Promise<Ended> {
    const file = workspace.write('app.js', appOf(block))
    const child = spawn(process.execPath, [file], { cwd: workspace.folder, env: { ...environment(), ...variables } })
    const ended = { code: 0, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => { ended.stdout += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { ended.stderr += text })
    const [code] = await once(child, 'close') as [number]
    return { ...ended, code }
  }

  function complaints (code: string, block: Block): string[] {
    return compile(workspace.write('typed.js', programOf({ ...block, prelude: 'with app', code })), workspace.folder)
  }

  it('has a function for each of four vaults', () => {
    assert.equal(programs.length, 4)
  })

  for (const [vault, word, called] of [
    ['HashiCorp Vault', 'x-vault-token', 'data.data.keys'],
    ['AWS Secrets Manager', 'SecretsManagerClient', 'SecretId'],
    ['Google Secret Manager', 'SecretManagerServiceClient', 'accessSecretVersion'],
    ['Azure Key Vault', 'SecretClient', 'getSecret']
  ] as const) {
    it(`its code for ${vault} has no type errors with the real client, and would have one if it called it otherwise`, () => {
      const block = blockOf(word)
      assert.deepEqual(complaints(block.code, block), [])
      assert.notDeepEqual(complaints(block.code.replace(called, `${called}s`), block), [])
    })
  }

  const keys = [newKey(), newKey()].map(key => key.toString('hex')).join(',')

  it('its code for HashiCorp Vault reads the keys with the token of the agent, and does not start if Vault is sealed or refuses the token', async t => {
    let isSealed = false
    const VAULT_ADDR = await serve(t, ({ url, headers }) => {
      if (isSealed) return { status: 503, body: { errors: ['Vault is sealed'] } }
      if (headers['x-vault-token'] !== 'hvs.token') return { status: 403, body: { errors: ['permission denied'] } }
      return url === '/v1/secret/data/shop/session' ? { status: 200, body: { data: { data: { keys: `${keys}\n` }, metadata: { version: 2 } } } } : { status: 404, body: { errors: [] } }
    })
    const block = blockOf('x-vault-token')
    const VAULT_TOKEN_FILE = workspace.write('token', 'hvs.token\n')
    assert.deepEqual(await run(block, { VAULT_ADDR, VAULT_TOKEN_FILE }), { code: 0, stdout: '2\n', stderr: '' })

    const refused = await run(block, { VAULT_ADDR, VAULT_TOKEN_FILE: workspace.write('old-token', 'hvs.old\n') })
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /Vault answered 403/)
    isSealed = true
    const { code, stderr } = await run(block, { VAULT_ADDR, VAULT_TOKEN_FILE })
    assert.notEqual(code, 0)
    assert.match(stderr, /Vault answered 503/)
  })

  it('its code for AWS Secrets Manager reads the keys, and does not start without the permission', async t => {
    let isAllowed = true
    const url = await serve(t, ({ headers }, body) => {
      assert.equal(headers['x-amz-target'], 'secretsmanager.GetSecretValue')
      assert.match(String(headers.authorization), /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//)
      assert.deepEqual(JSON.parse(body), { SecretId: 'shop/session' })
      return isAllowed
        ? { status: 200, body: { Name: 'shop/session', SecretString: `${keys}\n`, VersionStages: ['AWSCURRENT'] } }
        : { status: 400, body: { __type: 'AccessDeniedException', Message: 'not authorized to perform: secretsmanager:GetSecretValue' } }
    })
    const variables = { AWS_ENDPOINT_URL_SECRETS_MANAGER: url, AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_EC2_METADATA_DISABLED: 'true' }
    const { code, stdout, stderr } = await run(blockOf('SecretsManagerClient'), variables)
    assert.deepEqual([code, stdout], [0, '2\n'], stderr)
    isAllowed = false
    const refused = await run(blockOf('SecretsManagerClient'), variables)
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /AccessDeniedException/)
  })
})
