// A certificate for localhost, for `npm run demo -- --tls`. It is made at each start, and no browser knows it.
import { execFileSync } from 'node:child_process'
import { X509Certificate, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @typedef {{ key: string, cert: string }} Certificate */

/** @returns {Certificate} */
export function makeCertificate () {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-demo-'))
  const [keyFile, certFile] = [join(folder, 'key'), join(folder, 'cert')]
  try {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
      '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certFile
    ], { stdio: 'ignore' })
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
  } catch (cause) {
    throw new Error('--tls needs the program openssl, which makes a certificate. Install it, or start without --tls.', { cause })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * How to start a browser that takes the certificate. Who clicks the warning away sees the pages, but Chromium binds no
 * session on such a connection.
 * @param {Certificate} certificate
 */
export function browserHint ({ cert }) {
  const publicKey = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' })
  const hash = createHash('sha256').update(publicKey).digest('base64')
  const profile = join(tmpdir(), 'sealed-demo-profile')
  return `Browsers bind no session behind a certificate warning. Start Chrome or Chromium with a profile of its own:

  chrome --user-data-dir="${profile}" --ignore-certificate-errors-spki-list=${hash}

Chrome keeps keys in a TPM on Windows, and in Macs with Apple silicon. Elsewhere it makes keys in software for a try, if you add

  --enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting`
}
