// Run by keyring-file.test.ts as a process of its own: follows a key file that changes, then has
// nothing more to do and must end by itself.
import { readFileSync } from 'node:fs'
import { Keyring } from '../../src/index.ts'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { INTERVAL, replaceFile, until } from '../support/keys.ts'

const [path = ''] = process.argv.slice(2)
const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL })
await newApp({ session: { key: keyring } }).ready()
replaceFile(path, `${newKey().toString('hex')}\n${readFileSync(path, 'utf8')}`)
await until(() => keyring.ids.length === 3, 'the file is read')
console.log(`${keyring.ids.length} keys`)
