// A program that seals at global scope, which Cloudflare refuses.
import { createSessionCodec } from '../../../src/session-codec.ts'

const codec = await createSessionCodec({ key: 'ab'.repeat(31) + '01', format: 'sealed' })
let message = 'it sealed'
try {
  codec.seal({})
} catch (error) {
  ({ message } = error as Error)
}

export default { fetch: () => new Response(message) }
