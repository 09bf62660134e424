// Prints docs/reference/errors.md, made from the tables in src/errors.ts and src/messages.ts:
//
//   npm run docs:errors
import { ERRORS } from '../src/errors.ts'
import { WARNINGS } from '../src/messages.ts'

/** @param {string} text a printf-style message or an advice, as it goes into a cell of a table */
function cell (text) {
  return text.replaceAll('%s', '…').replaceAll('|', '\\|')
}

/** @param {string[][]} rows the first one is the head */
function table ([head, ...rows]) {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

const errors = Object.entries(ERRORS).map(([name, [message, advice]]) => [`\`FST_SEALED_SESSION_${name}\``, cell(message), cell(advice)])
const warnings = Object.entries(WARNINGS).map(([code, message]) => [`\`${code}\``, cell(message)])

process.stdout.write(`\
# Errors and warnings

<!-- Made by "npm run docs:errors" from src/errors.ts and src/messages.ts. Change those. -->

Decide by \`code\`, never by a message: messages may get better in any release, codes stay. An \`…\`
stands for a name, a position, a type or a length. No key, token or session value is ever in a message.

A cookie that cannot be opened is not an error: the session is empty, and one line of the log at
level \`debug\` says why. See [the reasons](format.md#refusals).

## Errors

Each is made with \`@fastify/error\` and has \`code\`, \`statusCode\` and \`hint\`, which says what to do. It is
a \`TypeError\` with 500, or an \`Error\` with the status that fits its answer: 403, 409 or 503. A mistake in the options rejects \`app.ready()\` and \`app.listen()\`. One
made in a request goes to the app's error handler.

${table([['Code', 'Message', 'What to do'], ...errors])}

## Warnings

Written with \`app.log.warn\`, as \`{ code }\` and the message; by a codec with
\`process.emitWarning\`. They do not keep the app from starting.

${table([['Code', 'Message'], ...warnings])}
`)
