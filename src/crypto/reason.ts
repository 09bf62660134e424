/**
 * Reason why something could not be loaded, in one line for a log. The error's own message then has several
 * lines: each path that was tried, and each module that required it.
 */
export function reasonOf (error: unknown): string {
  // libsodium as WebAssembly throws text if it finds no secure random numbers.
  const { code, message = String(error), cause } = error as { code?: string, message?: string, cause?: { message?: string } }
  if (code === 'ADDON_NOT_FOUND') {
    const platform = /prebuilds\/([\w-]+)\//.exec(message)?.[1] ?? `${process.platform}-${process.arch}`
    return `it has no binary for ${platform}`
  }
  // The addon's loader says that a file cannot be loaded, and has the system's reason as the cause.
  const [line = ''] = (cause?.message ?? message).split('\n')
  return line
}
