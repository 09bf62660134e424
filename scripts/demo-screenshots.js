// Makes the pictures of the demo in examples/demo, with a real Chromium:
//
//   npm run demo:screenshots
//
// Ids, tokens and times in them are others at each run.
import { fileURLToPath } from 'node:url'
import { DemoVisit } from '../test/browser/demo-visit.ts'
import { launch, noBrowser } from '../test/support/browser.ts'
import { Demo } from '../test/support/demo-process.ts'

/** What is in each picture, and what leads there. */
const PICTURES = {
  'screenshot.png': { colorScheme: 'light', lead: split },
  'screenshot-tampered.png': { colorScheme: 'dark', lead: tamper }
}

const SIZE = { width: 1100, height: 1225 }

async function split (visit) {
  for (let book = 1; book <= 5; book++) await visit.press('Put a book in', new RegExp(`^${book} book`))
  await visit.later(15)
  await visit.page.locator('#idle-left').filter({ hasText: '1:45 left' }).waitFor()
}

async function tamper (visit) {
  await visit.page.getByLabel('Something to remember').fill('The Analytical Engine weaves algebraical patterns')
  await visit.press('Save, and count a visit', /^Visit 2/)
  await visit.press('Flip one bit', /the seal is broken/)
}

async function take (browser, demo, name, { colorScheme, lead }) {
  const visit = await DemoVisit.begin(browser, demo, await demo.url())
  await visit.page.emulateMedia({ colorScheme })
  await visit.page.setViewportSize(SIZE)
  await visit.logIn()
  await lead(visit)
  await visit.page.mouse.move(0, 0) // off the button, which would look pressed
  await visit.page.evaluate('document.activeElement.blur()')
  await visit.page.screenshot({ path: fileURLToPath(new URL(`../examples/demo/${name}`, import.meta.url)) })
  await visit.end()
}

if (noBrowser !== false) throw new Error(noBrowser)
const browser = await launch()
const demo = new Demo('0')
for (const [name, picture] of Object.entries(PICTURES)) await take(browser, demo, name, picture)
await browser.close()
await demo.stop()
