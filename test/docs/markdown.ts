// Reads what the tests need out of Markdown: fenced blocks, tables, links, headings.

/** A fenced block. */
export interface Block {
  language: string
  code: string
  /** Line of the opening fence, from 1. */
  line: number
  /** What `<!-- test: … -->` above the block says, or an empty text. */
  prelude: string
}

export function blocks (markdown: string): Block[] {
  const found: Block[] = []
  const fence = /^(?:<!-- test: (.+) -->\n)?```(.*)\n([^]*?)^```$/gm
  for (const match of markdown.matchAll(fence)) {
    const [whole, prelude = '', language = '', code = ''] = match
    const start = match.index + whole.indexOf('```')
    found.push({ language, code, prelude, line: markdown.slice(0, start).split('\n').length })
  }
  return found
}

/** The rows of the first table under a heading, without its head, as trimmed cells. */
export function tableUnder (markdown: string, heading: string): string[][] {
  const start = markdown.indexOf(`\n${heading}\n`)
  if (start === -1) throw new Error(`there is no heading "${heading}"`)
  const [table] = /(?:^\|.*\n)+/m.exec(markdown.slice(start)) ?? []
  if (table === undefined) throw new Error(`there is no table under "${heading}"`)
  const rows = table.trim().split('\n').map(row => row.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim()))
  return rows.slice(2)
}

/** The number that a power of two such as `2⁻⁶⁵` has as its exponent. */
export function exponentIn (cell: string | undefined): number {
  const digits = /2([⁻⁰¹²³⁴-⁹]+)/.exec(cell ?? '')?.[1] ?? ''
  return Number([...digits].map(digit => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(digit)).map(index => index === 0 ? '-' : index - 1).join(''))
}

/** The first code span of a cell. */
export function codeIn (cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? '')?.[1] ?? ''
}

/** Targets of links that are not on the web. */
export function localLinks (markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target).filter(target => !target.startsWith('https://'))
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors (markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}
