// Starts a documented server as a process of its own, and talks to it over HTTP.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { isWasmNotice } from '../support/helpers.ts'
import { environment, type Workspace } from './workspace.ts'

export interface Server {
  url: string
  /** Messages of the log above level info. */
  complaints: string[]
  stop: () => Promise<void>
}

/** Resolves once the server has printed where it listens. */
export async function startServer (workspace: Workspace, file: string, variables: Record<string, string> = {}): Promise<Server> {
  const child = spawn(process.execPath, workspace.arguments(file), {
    cwd: workspace.folder, env: { ...environment(), ...variables }, stdio: ['ignore', 'pipe', 'pipe']
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const complaints: string[] = []

  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', line => {
      const written = JSON.parse(line) as { level: number, msg: string, code?: string }
      const { level, msg } = written
      if (level > 30 && !isWasmNotice(written)) complaints.push(msg)
      const [address] = /http:\/\/\S+/.exec(msg) ?? []
      if (address !== undefined) resolve(address)
    })
    exited.then(() => reject(new Error(`the server ended before it listened: ${stderr}`)), reject)
  })
  return { url, complaints, stop: async () => { child.kill(); await exited } }
}

/** Follows the quick start as a browser would. */
export async function visit ({ url }: Server): Promise<Visit> {
  const request = (path: string, method = 'GET', cookie?: string): Promise<Response> =>
    fetch(url + path, { method, headers: cookie === undefined ? {} : { cookie } })

  const stranger = await request('/profile')
  const login = await request('/login', 'POST')
  const [setCookie = ''] = login.headers.getSetCookie()
  const [cookie = ''] = setCookie.split(';')
  const profile = await request('/profile', 'GET', cookie)
  const forged = await request('/profile', 'GET', cookie.replace(/=..../, '=AAAA'))
  const logout = await request('/logout', 'POST', cookie)
  return {
    stranger: stranger.status,
    forged: forged.status,
    profile: await profile.json(),
    setCookie,
    cacheControl: login.headers.get('cache-control'),
    cookieAfterLogout: logout.headers.getSetCookie()[0] ?? ''
  }
}

export interface Visit {
  stranger: number
  forged: number
  profile: unknown
  setCookie: string
  cacheControl: string | null
  cookieAfterLogout: string
}
