/**
 * What a terminal takes for a command, or what turns the direction of text. JSON.stringify escapes
 * the characters below a space.
 */
const COMMANDS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** A value as JSON that is safe to show: what users wrote into their session may be meant for the terminal. */
export function printable (value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(COMMANDS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
