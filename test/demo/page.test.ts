// The demo's page can be used with a keyboard and a screen reader, and read by everybody.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'

const read = (file: string): string => readFileSync(new URL(`../../examples/demo/page/${file}`, import.meta.url), 'utf8')
const css = read('style.css')

/** Each page, with its scripts, the number of its controls and its second headings. */
const PAGES = [
  { file: 'index.html', scripts: read('client.js') + read('page.js') + read('views.js') + read('words.js'), controls: 6, headings: ['story', 'session', 'life', 'cookie', 'content', 'attack', 'keys', 'end', 'log'] },
  { file: 'device.html', scripts: read('client.js') + read('device.js'), controls: 0, headings: ['device', 'steal', 'meanwhile'] },
  { file: 'thief.html', scripts: read('client.js') + read('thief.js'), controls: 0, headings: ['plant'] },
  { file: 'devices.html', scripts: read('client.js') + read('devices.js'), controls: 1, headings: ['devices', 'confirm'] }
]

test("each of the demo's pages has a title and a description of its own, and the title begins with the first heading", () => {
  const heads = PAGES.map(({ file }) => {
    const html = read(file)
    const [title = '', heading, description] = [/<title>([^<]+)</, /<h1>([^<]+)</, /<meta name="description" content="([^"]+)"/].map(pattern => pattern.exec(html)?.[1])
    assert.equal(title, `${heading} · Demo · fastify-sealed-session`, file)
    return { title, description }
  })
  assert.equal(new Set(heads.map(({ title }) => title)).size, PAGES.length)
  assert.equal(new Set(heads.map(({ description }) => description)).size, PAGES.length)
})

for (const { file, scripts, controls: least, headings } of PAGES) {
  const html = read(file)

  /** What a pattern with one group finds in the page. */
  const all = (pattern: RegExp, text = html): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found)

  describe(`the demo's ${file}`, () => {
    test('has a language, a title, one main part and one first heading', () => {
      assert.match(html, /<html lang="en">[^]*<title>\S[^<]*<\/title>/)
      assert.deepEqual([all(/(<main>)/g).length, all(/(<h1>)/g).length], [1, 1])
    })

    test('has a label for every form control', () => {
      const controls = all(/<((?:input|textarea|select|meter|progress)\b[^>]*)>/g)
      assert.ok(controls.length >= least)
      for (const control of controls) {
        const [, id] = /\sid="([^"]+)"/.exec(control) ?? []
        assert.match(html, new RegExp(`<label for="${id}">[^<]*\\w`), control)
      }
    })

    test('has text in every button, and an action of the server or the page behind it', () => {
      const buttons = all(/<button\b[^>]*>([^]*?)<\/button>/g)
      assert.equal(buttons.length, all(/\sdata-action="([^"]+)"/g).length)
      for (const text of buttons) assert.match(text, /\w/)
      for (const action of all(/\sdata-action="([^"]+)"/g)) assert.match(scripts, new RegExp(`^ {2}'?${action}'?: \\{`, 'm'), action)
    })

    test('points with every reference at something that is there once', () => {
      const ids = all(/\sid="([^"]+)"/g)
      assert.equal(new Set(ids).size, ids.length)
      const references = all(/\s(?:for|aria-labelledby|aria-describedby)="([^"]+)"/g).flatMap(list => list.split(' '))
      const used = all(/byId\('([\w-]+)'\)/g, scripts)
      for (const id of [...references, ...used]) assert.ok(ids.includes(id), id)
    })

    test('leaves out no level of headings, and names each part by its own', () => {
      const levels = all(/<h([1-6])\b/g).map(Number)
      levels.forEach((level, index) => assert.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index + 1}`))
      assert.equal(all(/<section\b[^>]*\saria-labelledby="([^"]+)"/g).length, all(/(<section\b)/g).length)
    })

    test('tells results to screen readers, and does not read the countdown out every second', () => {
      assert.match(html, /<p id="result"[^>]*\srole="status">/)
      assert.deepEqual(all(/<span id="(\w+)-left"[^>]*\srole="timer">/g), file === 'index.html' ? ['idle', 'absolute'] : [])
    })

    test('shows its parts in the order in which the keyboard goes through them', () => {
      assert.deepEqual(all(/<h2 id="(\w+)-title">/g), headings)
      assert.doesNotMatch(css, /\sorder: |-reverse/)
      assert.doesNotMatch(html, /tabindex="[^0]/)
    })

    test('loads nothing from elsewhere', () => {
      assert.doesNotMatch(css + scripts, /url\(|@import|https?:\/\//)
    })
  })
}

describe("what scrolls on the demo's first page", () => {
  test('is reached by the keyboard, which shows where it is', () => {
    for (const id of ['content', 'log']) assert.match(read('index.html'), new RegExp(`id="${id}"[^>]*\\stabindex="0"`))
    assert.match(css, /:focus-visible \{ outline: 3px solid/)
    assert.doesNotMatch(css, /outline: (0|none)/)
  })
})

/** Text and what it stands on, by the names of the custom properties. */
const TEXTS = [
  'text page', 'text card', 'text sunken', 'muted page', 'muted card', 'muted sunken', 'text good-soft', 'text bad-soft',
  'good good-soft', 'bad bad-soft', 'on-ink ink', 'on-ink ink-hover', 'on-wax wax',
  'log-text log', 'log-muted log', 'log-debug log', 'log-warn log'
]

/** What is no text but must be seen. */
const SHAPES = ['control card', 'control sunken', 'focus page', 'focus card', 'ink line', 'full line']

for (const [scheme, colors] of Object.entries(colorSchemes())) {
  describe(`in the ${scheme} scheme of the demo`, () => {
    for (const [pairs, least] of [[TEXTS, 4.5], [SHAPES, 3]] as const) {
      for (const pair of pairs) {
        test(`${pair.replace(' ', ' on ')} has a contrast of at least ${least}`, () => {
          const [front, back] = pair.split(' ').map(name => luminance(colors.get(name) ?? assert.fail(name)))
          const contrast = (Math.max(front!, back!) + 0.05) / (Math.min(front!, back!) + 0.05)
          assert.ok(contrast >= least, contrast.toFixed(2))
        })
      }
    }
  })
}

function colorSchemes (): Record<'light' | 'dark', Map<string, string>> {
  const [, light = '', dark = ''] = css.split(':root {').map(part => part.slice(0, part.indexOf('}')))
  const colorsOf = (block: string): Array<[string, string]> =>
    [...block.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)].map(([, name = '', color = '']) => [name, color])
  return { light: new Map(colorsOf(light)), dark: new Map([...colorsOf(light), ...colorsOf(dark)]) }
}

/** As WCAG 2.2 defines it. */
function luminance (color: string): number {
  const [red, green, blue] = [0, 2, 4].map(at => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
