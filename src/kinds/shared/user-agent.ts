/**
 * By what name Purser goes in the logs of those it calls (RFC 9110 10.1.5). Rule: product and version, nothing else.
 */
import { readFileSync } from 'node:fs'

// Beside `build/`, as it is in a checkout and in the image.
const manifest = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')

export const PURSER_VERSION: string = JSON.parse(manifest).version

export const USER_AGENT = `purser/${PURSER_VERSION}`
