/**
 * What SNS and Google publish, on one small HTTP server, and what they sign. The `fetch` of a composition leads to it by the
 * host that was asked for, so that the code under test asks for the real URLs.
 */
import { sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Test } from 'tap'
import { type SnsMessage, stringToSign } from '../../src/kinds/aws/sns.ts'
import { createCertificate } from './certificate.ts'

export const REGION = 'eu-west-1'
export const ACCOUNT = '123456789012'
export const TOPIC = `arn:aws:sns:${REGION}:${ACCOUNT}:secrets`
export const AUDIENCE = 'https://purser.example.com/events'
export const SERVICE_ACCOUNT = 'pusher@my-project.iam.gserviceaccount.com'

const SNS = `https://sns.${REGION}.amazonaws.com`
const JWKS = 'https://www.googleapis.com/oauth2/v3/certs'

/** One set for a file of tests: RSA keys are slow to make. */
const { key, cert } = createCertificate('sns.amazonaws.com', 'rsa')
const google = await generateKeyPair('RS256')
const stranger = await generateKeyPair('RS256')

export const createEventClouds = async (t: Test) => {
  const jwk = { ...(await exportJWK(google.publicKey)), kid: 'g1', alg: 'RS256', use: 'sig' }
  const asked: string[] = []
  let isDown = false

  const server = createServer((request, response) => {
    const url = request.headers['x-asked'] ?? ''
    if (isDown) response.writeHead(503).end('<html>down</html>')
    else if (url === JWKS) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ keys: [jwk] }))
    } else if (`${url}`.includes('.pem')) response.end(cert)
    else response.end('<ConfirmSubscriptionResponse/>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const byHost: typeof fetch = (input, init) => {
    const url = String(input instanceof Request ? input.url : input)
    asked.push(url)
    const headers = { 'x-asked': url }
    return fetch(`http://127.0.0.1:${port}/`, { ...init, headers })
  }

  const snsMessage = (
    changes: Partial<SnsMessage> = {},
    /** After it was signed. */
    forged: Partial<SnsMessage> = {}
  ): SnsMessage => {
    const message: SnsMessage = {
      Type: 'Notification',
      MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
      TopicArn: TOPIC,
      Message: '{}',
      Timestamp: '2026-05-02T00:54:06.655Z',
      SignatureVersion: '2',
      Signature: '',
      SigningCertURL: `${SNS}/SimpleNotificationService-0123456789abcdef.pem`,
      ...changes
    }
    const hash = message.SignatureVersion === '1' ? 'sha1' : 'sha256'
    const signature = sign(hash, Buffer.from(stringToSign(message)), key)
    return { ...message, Signature: signature.toString('base64'), ...forged }
  }

  const googleToken = (claims: Record<string, unknown> = {}, isForged = false): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({
      iss: 'https://accounts.google.com',
      aud: AUDIENCE,
      email: SERVICE_ACCOUNT,
      email_verified: true,
      iat: now,
      exp: now + 3_600,
      ...claims
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'g1', typ: 'JWT' })
      .sign((isForged ? stranger : google).privateKey)
  }

  return {
    fetch: byHost,
    /** Every URL that was asked for. */
    asked,
    setDown: (down: boolean) => {
      isDown = down
    },
    snsMessage,
    googleToken,
    subscribeUrl: `${SNS}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`
  }
}

/** An event as EventBridge has it from CloudTrail. */
export const apiCall = (
  eventName: string,
  secretId: string,
  { account = ACCOUNT, region = REGION } = {}
) => ({
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.secretsmanager',
  account,
  time: '2026-05-02T12:00:00Z',
  region,
  resources: [],
  detail: {
    eventVersion: '1.08',
    eventSource: 'secretsmanager.amazonaws.com',
    eventName,
    awsRegion: region,
    requestParameters: { secretId, clientRequestToken: 'a1b2' },
    responseElements: null,
    additionalEventData: null
  }
})

export const serviceEvent = (eventName: string, arn: string) => ({
  ...apiCall(eventName, ''),
  'detail-type': 'AWS Service Event via CloudTrail',
  detail: {
    eventSource: 'secretsmanager.amazonaws.com',
    eventName,
    requestParameters: null,
    additionalEventData: { SecretId: arn }
  }
})

export const vaultId = (vault: string): string =>
  `/subscriptions/0a1b/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/${vault}`

const secretData = (vault: string, name: string) => ({
  Id: `https://${vault}.vault.azure.net/secrets/${name}/ee059b2bb5bc48398a53b168c6cdcb10`,
  VaultName: vault,
  ObjectType: 'Secret',
  ObjectName: name,
  Version: 'ee059b2bb5bc48398a53b168c6cdcb10',
  NBF: null,
  EXP: null
})

/** Event Grid's own schema. */
export const gridEvent = (type: string, vault: string, name: string) => ({
  id: '00eccf70-95a7-4e7c-8299-2eb17ee9ad64',
  topic: vaultId(vault),
  subject: name,
  eventType: type,
  eventTime: '2026-05-02T22:44:13.4190585Z',
  data: secretData(vault, name),
  dataVersion: '1',
  metadataVersion: '1'
})

export const cloudEvent = (type: string, vault: string, name: string) => ({
  specversion: '1.0',
  id: '00eccf70-95a7-4e7c-8299-2eb17ee9ad64',
  source: vaultId(vault),
  subject: name,
  type,
  time: '2026-05-02T22:44:13.4190585Z',
  data: secretData(vault, name)
})

export const pubSubPush = (eventType: string, secretId: string) => ({
  message: {
    attributes: { eventType, secretId, dataFormat: 'JSON_API_V1', timestamp: '2026-05-02T12:00Z' },
    data: Buffer.from('{"name":"projects/other/secrets/not-believed"}').toString('base64'),
    messageId: '2070443601311540',
    publishTime: '2026-05-02T12:00:00.000Z'
  },
  subscription: 'projects/my-project/subscriptions/purser'
})
