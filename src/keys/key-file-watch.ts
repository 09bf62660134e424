import { readFile } from 'node:fs/promises'

/** What a watch needs from outside. */
export interface KeyFileWatch {
  path: string
  /** Seconds between two looks at the file. */
  interval: number
  /** What the file held at first. */
  content: Buffer
  /** Called with a new content, once it was found twice in a row. */
  changed: (content: Buffer) => void
  /** Called where the file cannot be read any more, once until it can. */
  failed: (error: Error) => void
}

/**
 * Follows a file by reading it again and again. It is small, and so every way of replacing it is
 * noticed: a rename, a symlink of a mounted secret that is swapped in some parent folder, a file on
 * a network. `fs.watch` misses the last two.
 *
 * A content counts once it is the same at two looks in a row, so that a file that is being written
 * is not taken for one with fewer keys. Does not keep the process running.
 * @returns how to stop.
 */
export function watchKeyFile ({ path, interval, content, changed, failed }: KeyFileWatch): () => void {
  let applied = content
  let seen = content
  let isReadable = true
  let isStopped = false
  let timer = setTimeout(look, interval * 1000).unref()

  function look (): void {
    readFile(path).then(found, missed).then(() => {
      // One look at a time, however slow the file system is.
      if (!isStopped) timer = setTimeout(look, interval * 1000).unref()
    })
  }

  function found (content: Buffer): void {
    isReadable = true
    const isSettled = content.equals(seen)
    seen = content
    if (isStopped || !isSettled || content.equals(applied)) return
    applied = content
    changed(content)
  }

  function missed (error: Error): void {
    if (isReadable && !isStopped) failed(error)
    isReadable = false
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
