/**
 * What the service serves TLS with, of the files that the settings name. Rule: it is read as a whole, and taken only where
 * certificate and key belong together.
 */
import { resolve } from 'node:path'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { pemOfFile } from '../core/file-text.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { readFileBytesSync } from '../files/read.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import type { Settings } from './settings.ts'

type FileName = 'TLS_CERT_FILE' | 'TLS_KEY_FILE' | 'TLS_CLIENT_CA_FILE'

/** Undefined without TLS_CERT_FILE and TLS_KEY_FILE. Throws ConfigError for files that cannot be read. */
export const readServerTls = (
  settings: Partial<Pick<Settings, FileName>>,
  folder: string
): ServerTls | undefined => {
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE } = settings
  if (TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return undefined
  const faults: ConfigFault[] = []
  const read = (name: FileName): Buffer | undefined => {
    try {
      return pemOfFile(readFileBytesSync(resolve(folder, settings[name] ?? '')))
    } catch (error) {
      faults.push({ place: name, message: `the file ${whyUnread(error)}` })
      return undefined
    }
  }
  const [cert, key] = [read('TLS_CERT_FILE'), read('TLS_KEY_FILE')]
  const clientCa = TLS_CLIENT_CA_FILE === undefined ? undefined : read('TLS_CLIENT_CA_FILE')
  if (!(cert && key) || faults.length > 0) throw new ConfigError(faults)
  return { cert, key, ...(clientCa && { clientCa }) }
}

const isTaken = (options: SecureContextOptions): boolean => {
  try {
    createSecureContext(options)
    return true
  } catch {
    return false
  }
}

const PEM = '-----BEGIN CERTIFICATE-----'

/** Instead of OpenSSL's own words, with which a start would fail. */
export const faultsOfTls = ({ cert, key, clientCa }: ServerTls): ConfigFault[] => {
  if (!isTaken({ cert })) {
    return [{ place: 'TLS_CERT_FILE', message: 'the file holds no certificate in PEM' }]
  }
  const message = 'the file does not hold the key of TLS_CERT_FILE in PEM'
  if (!isTaken({ cert, key })) return [{ place: 'TLS_KEY_FILE', message }]
  // Node ignores a text that is no certificate of an authority, and would let nobody in.
  return clientCa === undefined || (clientCa.includes(PEM) && isTaken({ ca: clientCa }))
    ? []
    : [{ place: 'TLS_CLIENT_CA_FILE', message: 'the file holds no certificate in PEM' }]
}
