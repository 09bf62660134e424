// The tests of cookies, with sessions of the web entry.
import { useFront } from '../support/app.ts'
import { onWeb } from '../support/web.ts'

useFront(onWeb)
for (const file of (process.env.F ?? 'chunks,duplicates,encoded,large,planted-chunks,place,quoted,signed,attributes,mistakes').split(',')) await import(`../cookies/${file}.test.ts`)
