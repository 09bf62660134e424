/** Characters that a terminal takes for a command, or that turn the direction of text. */
const COMMANDS = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** Value as JSON that is safe to show: data that users wrote into their session may be meant for the terminal. */
export function printable (value: unknown, indent = 0): string {
  return visible(JSON.stringify(value, null, indent))
}

/** Text that is safe to show: an argument or the name of a file may be meant for the terminal, too. Line breaks stay. */
export function visible (text: string): string {
  return text.replace(COMMANDS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
