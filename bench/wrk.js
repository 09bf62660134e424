// The client of the load run: wrk, which is written in C and leaves more of the cores to the servers.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHECK_BODY = fileURLToPath(new URL('check-body.lua', import.meta.url))
const TURN_COOKIES = fileURLToPath(new URL('turn-cookies.lua', import.meta.url))

/** The shell says how much CPU time its children have used. */
const TIMED = 'wrk "$@" && times'
const NOT_FOUND = 127

/**
 * Sends requests for some seconds.
 * @param cookies file with `Cookie` headers, one a line, that are sent in turn in place of `cookie`
 * @param body what each response must hold; without it only the status is looked at
 * @returns how many requests were answered, a second too, how many of them not as they should be, and
 * the CPU microseconds that wrk has used for a request
 */
export async function wrk (url, { cookie, seconds, connections = 20, body, cookies }) {
  const [script, given] = cookies === undefined ? [CHECK_BODY, body] : [TURN_COOKIES, cookies]
  const sent = cookies === undefined ? ['-H', `Cookie: ${cookie}`] : []
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, ...sent, ...(given === undefined ? [url] : ['-s', script, url, '--', given])]
  try {
    const { stdout } = await promisify(execFile)('sh', ['-c', TIMED, 'sh', ...args])
    return parse(stdout)
  } catch (error) {
    if (error.code !== NOT_FOUND) throw error
    console.error('install wrk (apt-get install wrk)')
    process.exit(1)
  }
}

function parse (output) {
  const number = pattern => Number(pattern.exec(output)?.[1] ?? 0)
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? []
  const requests = number(/(\d+) requests in/)
  return {
    requests,
    client: childTime(output) / requests,
    rate: number(/Requests\/sec:\s+([\d.]+)/),
    failed: socketErrors.reduce((sum, count) => sum + Number(count), number(/Non-2xx or 3xx responses: (\d+)/) + number(/Other bodies: (\d+)/))
  }
}

/** Of `times`: the second line, user and system, as 0m0.03s 0m0.25s. */
function childTime (output) {
  const parts = output.trimEnd().split('\n').at(-1).matchAll(/(\d+)m([\d.]+)s/g)
  return [...parts].reduce((sum, [, minutes, seconds]) => sum + (minutes * 60 + Number(seconds)) * 1e6, 0)
}
