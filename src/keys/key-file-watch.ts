import { readFile } from 'node:fs/promises'
import { types } from 'node:util'

/** Looks in a row that must find the same before it counts: a file that is being written changes. */
const LOOKS_TO_COUNT = 2

/** Milliseconds after which a read that has not ended is a failure. */
const HANGS_AFTER_MS = 10_000

/** Longest delay of a timer: Node takes a longer one for one of a millisecond. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** Error of a file system that does not answer, such as one on a network. */
const HANGS = new Error('ETIMEDOUT: the file system does not answer')

/** Settings of a watch. */
export interface KeyFileWatch {
  path: string
  /** Seconds between two looks at the file. */
  interval: number
  /** Content of the file at first. */
  content: Buffer
  /** Called with a new content, once it was found twice in a row. */
  changed: (content: Buffer) => void
  /** Called after each look, also one that found nothing or that hangs; after `changed` and `failed`. */
  looked: () => void
  /** Called if the file cannot be read any more, once it was so twice in a row. */
  failed: (error: Error) => void
}

/**
 * Follows a file by reading it again and again. It is small, and so every way of replacing it is
 * noticed: a rename, a symlink of a mounted secret that is swapped in some parent folder, a file on
 * a network. `fs.watch` misses the last two.
 *
 * Does not keep the process running.
 * @param watch whose functions must not throw.
 * @returns a function that stops the watch.
 */
export function watchKeyFile ({ path, interval, content, changed, looked, failed }: KeyFileWatch): () => void {
  let told: Buffer | Error = content
  let seen: Buffer | Error = content
  let looks = LOOKS_TO_COUNT
  /** Intervals for which a read has been under way; null if none is. */
  let waited: number | null = null
  let isStopped = false
  let timer = lookLater()

  function lookLater (): NodeJS.Timeout {
    return quietTimer(look, Math.min(interval * 1000, MAX_DELAY_MS))
  }

  /**
   * Reads the file once. One read at a time, however slow the file system is: reads that hang would block the
   * threads of Node.js.
   */
  function look (): void {
    timer = lookLater()
    if (waited !== null) {
      waited++
      if (waited * interval * 1000 >= HANGS_AFTER_MS) found(HANGS)
      return
    }
    waited = 0
    readFile(path).catch((error: Error) => error).then(content => {
      waited = null
      if (!isStopped) found(content)
    })
  }

  function found (content: Buffer | Error): void {
    looks = isSame(content, seen) ? looks + 1 : 1
    seen = content
    if (looks === LOOKS_TO_COUNT && !isSame(content, told)) tell(content)
    looked()
  }

  function tell (found: Buffer | Error): void {
    told = found
    if (types.isUint8Array(found)) changed(found)
    else failed(found)
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** Timer that does not keep the process running. In jsdom it is a number, and does. */
function quietTimer (call: () => void, delay: number): NodeJS.Timeout {
  const timer = setTimeout(call, delay)
  ;(timer as Partial<NodeJS.Timeout>).unref?.()
  return timer
}

/**
 * True if both are the same. Bytes are told from errors by what they are: in Jest and in jsdom, an error of
 * the file system is no `Error` of this realm.
 */
function isSame (found: Buffer | Error, other: Buffer | Error): boolean {
  return types.isUint8Array(found) && types.isUint8Array(other) ? found.equals(other) : String(found) === String(other)
}
