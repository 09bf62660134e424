// Makes the pictures of the demo in examples/demo, with a real Chromium:
//
//   npm run demo:screenshots
//
// Ids, tokens and times in them are others at each run.
import { writeFileSync } from 'node:fs'
import { DemoVisit } from '../test/browser/demo-visit.ts'
import { launch, noBrowser } from '../test/browser/support.ts'
import { Demo } from '../test/demo-process.ts'
import { indexedPng } from './indexed-png.js'

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
  const picture = await visit.page.screenshot()
  await visit.end()
  writeFileSync(new URL(`../examples/demo/${name}`, import.meta.url), indexedPng(await pixelsOf(browser, picture)))
}

/** A picture's pixels; the browser decodes it. */
async function pixelsOf (browser, picture) {
  const page = await browser.newPage()
  const bytes = await page.evaluate(`(async () => {
    const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${picture.toString('base64')}')).blob())
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d')
    context.drawImage(picture, 0, 0)
    const { data } = context.getImageData(0, 0, picture.width, picture.height)
    return await new Promise(resolve => {
      const reader = new FileReader()
      reader.onload = () => resolve(reader.result.split(',')[1])
      reader.readAsDataURL(new Blob([data]))
    })
  })()`)
  await page.close()
  return { ...SIZE, pixels: new Uint32Array(new Uint8Array(Buffer.from(bytes, 'base64')).buffer) }
}

if (noBrowser !== false) throw new Error(noBrowser)
const browser = await launch()
const demo = new Demo('0')
for (const [name, picture] of Object.entries(PICTURES)) await take(browser, demo, name, picture)
await browser.close()
await demo.stop()
