/**
 * Why something could not be loaded, in one line for a log. What is thrown then has several: each
 * path that was tried, and who required what.
 */
export function reasonOf (error: unknown): string {
  // libsodium as WebAssembly throws text where it finds no secure random numbers.
  const { code, message = String(error), cause } = error as { code?: string, message?: string, cause?: { message?: string } }
  if (code === 'ADDON_NOT_FOUND') {
    const platform = /prebuilds\/([\w-]+)\//.exec(message)?.[1] ?? `${process.platform}-${process.arch}`
    return `it has no binary for ${platform}`
  }
  // The addon's loader says that a file cannot be loaded, and has the system's reason as the cause.
  const [line = ''] = (cause?.message ?? message).split('\n')
  return line
}
