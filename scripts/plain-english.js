// Counts what makes prose hard to read for people whose English is a second language, and holds it to bars:
//
//   node scripts/plain-english.js README.md            the bars of a page
//   node scripts/plain-english.js --reference docs     the bars of reference pages: all below a folder as one text, without 'api/'
//
// Prints a figure a row with its bar, and exits with 1 if one is over it. Code, tables, headings and addresses do not count.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A figure of a text, and the bar that it is held to.
 * @typedef {{ name: string, value: number, way: 'at least' | 'at most', bar: number, isOver: boolean }} Figure
 */

/** Words that a sentence of ours does not begin with, unless it is a question. */
const WEAK_OPENING = /^(What|Whatever|Whoever|Who|Nor|Not|Nothing|Nobody|None|Neither)\b/

/**
 * The Markdown pages at a path: the file, or those below the folder.
 * @param {string} path
 * @returns {string[]}
 */
function pagesAt (path) {
  if (!statSync(path).isDirectory()) return path.endsWith('.md') ? [path] : []
  return readdirSync(path).sort().filter(name => name !== 'api').flatMap(name => pagesAt(join(path, name)))
}

/**
 * Prose of a Markdown text: without code blocks, comments, tables, headings and addresses of links.
 * @param {string} markdown
 */
function proseOf (markdown) {
  return markdown
    .replace(/```[^]*?```/g, '\n\n').replace(/<!--[^]*?-->/g, '').replace(/<[^>]+>/g, '')
    .split('\n').filter(line => !/^\s*(\||#|!\[)/.test(line)).join('\n')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/`[^`]*`/g, 'code')
}

/**
 * Sentences of three words and more. A colon ends one, too.
 * @param {string} prose
 */
function sentencesOf (prose) {
  return prose.split(/\n\s*\n|\n\s*[-*] |\n\d+\. /).map(part => part.replace(/\s+/g, ' ').trim())
    .flatMap(part => part.split(/(?<=[.!?:])\s+/)).filter(sentence => sentence.split(' ').length > 2)
}

/**
 * Figures of Markdown texts, counted as one.
 * @param {readonly string[]} texts
 * @param {boolean} isReference the bars of reference pages, which speak to the reader less
 * @returns {{ words: number, figures: Figure[] }}
 */
function countProse (texts, isReference) {
  const sentences = sentencesOf(texts.map(proseOf).join('\n\n'))
  const text = sentences.join(' ')
  const words = (text.match(/[A-Za-z']+/g) ?? []).length
  /** @param {RegExp} pattern */
  const count = pattern => (text.match(pattern) ?? []).length
  /** @param {RegExp} pattern */
  const perThousand = pattern => count(pattern) * 1000 / words
  /** @type {(name: string, value: number, way: Figure['way'], bar: number) => Figure} */
  const figure = (name, value, way, bar) => ({ name, value, way, bar, isOver: !(way === 'at most' ? value <= bar : value >= bar) })

  return {
    words,
    figures: [
      figure('you/your, a thousand words', perThousand(/\byou(r)?\b/gi), 'at least', isReference ? 8 : 14),
      figure("'where', a thousand words", perThousand(/\bwhere\b/gi), 'at most', 1.5),
      figure('what/whatever/who/whoever', perThousand(/\b(what|whatever|whoever|who)\b/gi), 'at most', 5),
      figure('one/other(s)', perThousand(/\b(one|ones|other|others|another)\b/gi), 'at most', isReference ? 8 : 6),
      figure('negations', perThousand(/\b(no|not|nothing|nobody|none|never|neither|nor)\b/gi), 'at most', 14),
      figure('commas a sentence', count(/,/g) / sentences.length, 'at most', 0.75),
      figure('% of sentences that begin with What, Who, Nor, Not …',
        sentences.filter(sentence => WEAK_OPENING.test(sentence) && !sentence.endsWith('?')).length * 100 / sentences.length, 'at most', 1),
      figure('words a sentence', words / sentences.length, 'at most', 16)
    ]
  }
}

const paths = process.argv.slice(2)
const texts = paths.filter(path => !path.startsWith('--')).flatMap(pagesAt).map(page => readFileSync(page, 'utf8'))
const { words, figures } = countProse(texts, paths.includes('--reference'))

for (const { name, value, way, bar, isOver } of figures) {
  console.log(`${isOver ? '✗' : ' '} ${name.padEnd(52)} ${value.toFixed(2).padStart(6)}  (${way} ${bar})`)
}
const over = figures.filter(({ isOver }) => isOver).length
console.log(`${words} words; ${over} of ${figures.length} over their bar`)
process.exitCode = over > 0 ? 1 : 0
