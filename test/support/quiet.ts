// Keeps what tests provoke out of the output of a run: this package's own warnings. Tests that are about
// them listen for them. Loaded before each test file, by scripts/test.js.
const printers = process.listeners('warning')

process.removeAllListeners('warning')
process.on('warning', (warning: Error & { code?: string }) => {
  if (warning.code?.startsWith('FST_SEALED_SESSION_') === true) return
  for (const print of printers) print.call(process, warning)
})
