// Prints docs/reference/errors.md, made from the tables in src/error-table.ts and src/message-table.ts:
//
//   npm run docs:errors
import { ERRORS } from '../src/error-table.ts'
import { WARNINGS } from '../src/message-table.ts'

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

<!-- Made by "npm run docs:errors" from src/error-table.ts and src/message-table.ts. Change those. -->

Decide by \`code\` alone. A message may get better in any release, but a code stays. An \`…\`
stands for a name, a position, a type or a length. Messages are free of keys, tokens and session values.

A cookie that your app cannot open makes no error. The session is empty, and your log has a line at level \`debug\`
with [the reason](format.md#refusals).

## Errors

Each error has \`code\`, \`statusCode\` and \`hint\`. The hint says how to mend it. \`@fastify/error\` makes it: a
\`TypeError\` with 500, or an \`Error\` with the status that fits its answer: 403, 409 or 503.

Some hints name a page by its path in your app. If you installed the package under a different name, such as
\`@fastify/secure-session\`, that name stands in the path.

A mistake in your options rejects \`app.ready()\` and \`app.listen()\`. Your error handler gets an error of a request.

${table([['Code', 'Message', 'What to do'], ...errors])}

## Warnings

Your app starts in spite of a warning. You find it in your log: \`app.log.warn\` writes \`{ code }\` and the message.
A codec, and an app without a logger, write it with \`process.emitWarning\`.

${table([['Code', 'Message'], ...warnings])}
`)
