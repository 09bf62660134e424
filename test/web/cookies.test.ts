// The tests of cookies, with sessions of the web entry in place of the plugin's. Those that are about Fastify itself say so,
// by `ofFastify()`, and are left out.
import { useFront } from '../support/app.ts'
import { onWeb } from '../support/web.ts'

useFront(onWeb)
for (const file of ['chunks', 'duplicates', 'encoded', 'large', 'place', 'planted-chunks', 'quoted', 'signed']) await import(`../cookies/${file}.test.ts`)
