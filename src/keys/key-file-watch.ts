import { readFile } from 'node:fs/promises'

/** Looks in a row that find the same before it counts: a file that is being written changes. */
const LOOKS_TO_COUNT = 2

/** Looks in a row that find the same before it counts as all that will be written. */
const LOOKS_TO_LAST = 10

/** Node takes a longer delay for one of a millisecond. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** What a watch needs from outside. */
export interface KeyFileWatch {
  path: string
  /** Seconds between two looks at the file. */
  interval: number
  /** What the file held at first. */
  content: Buffer
  /** Called with a new content, once it was found twice in a row. */
  changed: (content: Buffer) => void
  /** Called when a content was found ten times in a row. */
  lasted: () => void
  /** Called where the file cannot be read any more, once it was so twice in a row. */
  failed: (error: Error) => void
}

/**
 * Follows a file by reading it again and again. It is small, and so every way of replacing it is
 * noticed: a rename, a symlink of a mounted secret that is swapped in some parent folder, a file on
 * a network. `fs.watch` misses the last two.
 *
 * Does not keep the process running.
 * @param watch whose functions must not throw.
 * @returns how to stop.
 */
export function watchKeyFile ({ path, interval, content, changed, lasted, failed }: KeyFileWatch): () => void {
  let told: Buffer | Error = content
  let seen: Buffer | Error = content
  let looks = LOOKS_TO_LAST
  let isStopped = false
  let timer = lookLater()

  function lookLater (): NodeJS.Timeout {
    return setTimeout(look, Math.min(interval * 1000, MAX_DELAY_MS)).unref()
  }

  function look (): void {
    readFile(path).catch((error: Error) => error).then(found => {
      if (isStopped) return
      looks = isSame(found, seen) ? looks + 1 : 1
      seen = found
      if (looks === LOOKS_TO_COUNT && !isSame(found, told)) tell(found)
      if (looks === LOOKS_TO_LAST && !(found instanceof Error)) lasted()
      // One look at a time, however slow the file system is.
      timer = lookLater()
    })
  }

  function tell (found: Buffer | Error): void {
    told = found
    if (found instanceof Error) failed(found)
    else changed(found)
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

function isSame (found: Buffer | Error, other: Buffer | Error): boolean {
  if (found instanceof Error || other instanceof Error) return String(found) === String(other)
  return found.equals(other)
}
