// Makes the pictures of the demo in examples/demo, with a real Chromium:
//
//   npm run demo:screenshots
//
// Ids, tokens and times in them are others at each run.
import { fileURLToPath } from 'node:url'
import { DemoVisit } from '../test/browser/demo-visit.ts'
import { launch, noBrowser } from '../test/support/browser.ts'
import { Demo } from '../test/support/demo-process.ts'

/** Contents of each picture, and the way there. */
const PICTURES = {
  'screenshot.png': { colorScheme: 'light', size: { width: 1100, height: 760 }, lead: end },
  'screenshot-phone.png': { colorScheme: 'dark', size: { width: 390, height: 844 }, lead: steal }
}

async function steal (visit) {
  await visit.press('Give a thief a copy', /^The thief has/)
}

async function end (visit) {
  await steal(visit)
  await visit.press('Log out everywhere', /^Logged out everywhere/)
}

async function take (browser, demo, name, { colorScheme, size, lead }) {
  const visit = await DemoVisit.begin(browser, demo, await demo.url())
  await visit.page.emulateMedia({ colorScheme })
  await visit.page.setViewportSize(size)
  await visit.logIn()
  await lead(visit)
  await visit.page.mouse.move(0, 0) // off the button, which would look pressed
  await visit.page.evaluate('document.activeElement.blur(); scrollTo(0, 0)')
  await visit.page.screenshot({ path: fileURLToPath(new URL(`../examples/demo/${name}`, import.meta.url)) })
  await visit.end()
}

if (noBrowser !== false) throw new Error(noBrowser)
const browser = await launch()
const demo = new Demo('0')
for (const [name, picture] of Object.entries(PICTURES)) await take(browser, demo, name, picture)
await browser.close()
await demo.stop()
