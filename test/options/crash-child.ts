// Run by options.test.ts as a process of its own: registers one bad configuration after the other, lets
// everything happen that would happen by itself, and only then asks for the error. Whatever crashes the
// process keeps the report from being written.
import { setImmediate as turn } from 'node:timers/promises'
import { newApp } from '../support/app.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
const secret = 'a passphrase of more than thirty-two bytes'

const CONFIGURATIONS: unknown[] = [
  {},
  'text',
  [],
  [null],
  { key: Buffer.alloc(31) },
  { key: [key, 5] },
  { key: Symbol('key') },
  { secret: 5 },
  { secret: {}, salt: {} },
  { secret: 'short' },
  { secret, salt: 'fifteen bytes..' },
  { key, expiry: '60' },
  { key, expirey: 60 },
  { key, cookie: { maxAge: NaN } },
  { key, cookieName: 'a b' },
  [{ sessionName: 'a', key }, { sessionName: 'a', key }],
  [{ sessionName: 'a', secret }, { sessionName: 'b', secret: 'short' }, { sessionName: 'c', key: 'short' }]
]

async function turns (): Promise<void> {
  for (let count = 0; count < 20; count++) await turn()
}

async function codesOf (options: unknown): Promise<unknown[]> {
  const apps = [0, 1, 2].map(() => {
    return newApp({ session: options })
  })
  await turns()
  const [first, second, third] = apps
  const codes = [
    await first?.ready().then(() => 'ready', error => error.code),
    await new Promise(resolve => second?.ready(error => { resolve((error as { code?: string } | null)?.code ?? 'ready') })),
    await third?.inject('/').then(() => 'ready', error => error.code)
  ]
  await turns()
  return codes
}

const report: unknown[][] = []
for (const options of CONFIGURATIONS) report.push(await codesOf(options))
process.stdout.write(JSON.stringify(report))
